using System.Xml;
using System.Xml.Linq;
using EdgeFleet.Cli.Tests.Models;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Cli.Tests.Benchmarks;

public sealed class BenchPageFileTests : IDisposable
{
    private static readonly string[] s_short = ["--blocks", "3", "--cell-ms", "5", "--cold-starts", "1", "--tail", "80", "--warm-up-ms", "50", "--anyway"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_benchmark_is_written_as_a_page_whatever_its_model_is_called()
    {
        string baseline = _folder.Write("base.onnx", TinyModel.Work(16, 2)), candidate = _folder.Write("<b>&amp;'new.onnx", TinyModel.Work(16, 3));
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", baseline, "-c", candidate, "--html", _folder["report.html"], .. s_short]);

        Assert.True(run.ExitCode is 0 or 1, run.Errors);
        using XmlReader reader = XmlReader.Create(_folder["report.html"], new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        XElement page = XDocument.Load(reader).Root!;
        Assert.Equal($"{candidate} against {baseline}", page.Descendants("h1").Single().Value);
        Assert.Contains("Fingerprint", page.Value, StringComparison.Ordinal);
        Assert.NotEmpty(page.Descendants("svg"));
    }

    [Fact]
    public void A_page_that_cannot_be_written_is_said_before_anything_is_measured()
    {
        string model = _folder.Write("base.onnx", TinyModel.Work(16, 2));
        EdgefleetProcess run = EdgefleetProcess.Run(["bench", "-b", model, "--html", _folder["nowhere/report.html"], .. s_short]);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("nowhere", run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("cold start", run.Errors, StringComparison.Ordinal);
    }
}

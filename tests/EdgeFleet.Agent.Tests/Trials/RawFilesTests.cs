using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class RawFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly BenchOutcome _outcome = new(FakeTrials.Evidence("pass"), new RawMeasurement { CandidateTail = [1, 2, 3] });

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Samples_are_kept_by_reference_and_only_those_of_the_last_four_benchmarks()
    {
        for (int i = 0; i < 6; i++)
        {
            string path = _folder[$"{i}.json.gz"];
            RawSamples raw = RawFiles.Keep(_outcome, path).Raw!;
            Assert.Equal((path, new FileInfo(path).Length, 64), (raw.Path, raw.SizeBytes, raw.Sha256.Length));
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddDays(i));
        }
        Assert.Equal(["2.json.gz", "3.json.gz", "4.json.gz", "5.json.gz"], Directory.EnumerateFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_folder_that_takes_nothing_costs_the_samples_and_not_the_evidence()
    {
        BenchEvidence evidence = RawFiles.Keep(_outcome, _folder["no/such/folder.json.gz"]);
        Assert.Null(evidence.Raw);
        Assert.Equal("pass", evidence.Verdict);
        Assert.Contains("the raw samples were not kept", Assert.Single(evidence.Warnings), StringComparison.Ordinal);
    }
}

using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// Whether <c>edgefleet bench</c> prints the latency that a C program finds: the real command line as a process, between two
/// runs of the C program, again and again.
/// </summary>
public static class BenchCommandBenchmark
{
    private const int Rounds = 9;
    private const int Inferences = 20_000;
    private const int WarmUp = 2000;
    private const double Allowed = 0.02;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using TemporaryFolder folder = new();
        string native = await NativeBench.CompileAsync(folder.Path, cancellationToken);
        List<BenchFigure> figures = [];
        foreach ((string name, string path) in RealModels.Find())
        {
            List<double> ratios = [], ours = [], bare = [];
            double before = await NativeAsync(native, path, cancellationToken);
            for (int round = 0; round < Rounds; round++)
            {
                double printed = await PrintedAsync(path, cancellationToken);
                double after = await NativeAsync(native, path, cancellationToken);
                ratios.Add(printed / Math.Sqrt(before * after));
                ours.Add(printed);
                bare.Add(after);
                before = after;
            }
            double ratio = Median(ratios);
            string source = $"median of {Rounds} runs of the command line, each between two of the C program, {Inferences} inferences each";
            figures.AddRange(
            [
                new($"{name}: p50 of edgefleet bench against C, off by", Math.Abs(ratio - 1), "share", "<= 0.02", Math.Abs(ratio - 1) <= Allowed, source),
                new($"{name}: the same as a ratio", ratio, "", null, true, source),
                new($"{name}: the ratio that was furthest off", ratios.MaxBy(value => Math.Abs(Math.Log(value))), "", null, true, source),
                new($"{name}: p50 that edgefleet bench prints", Median(ours), "us", null, true, source),
                new($"{name}: p50 of the C program", Median(bare), "us", null, true, source),
            ]);
        }
        return figures;
    }

    private static async Task<double> NativeAsync(string program, string model, CancellationToken cancellationToken)
    {
        await using LoopPeer peer = await LoopPeer.StartAsync(program, [NativeBench.Library, model, "1", $"{WarmUp}"], cancellationToken);
        return (double)(await peer.RunAsync(Inferences, cancellationToken))["p50Micros"]!;
    }

    private static async Task<double> PrintedAsync(string model, CancellationToken cancellationToken)
    {
        string program = Path.Join(AppContext.BaseDirectory, "edgefleet");
        string[] arguments = ["bench", "--baseline", model, "--blocks", "3", "--cell-ms", "20", "--cold-starts", "0", "--warm-up-ms", "1000", "--anyway", "--no-counters", "--no-meter", "--tail", $"{Inferences}", "-o", "json"];
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return JsonNode.Parse(output)?["latency"]?["candidate"]?["p50"]?["micros"] is { } micros
            ? (double)micros
            : throw new InvalidOperationException($"edgefleet bench of '{model}' printed no p50: {await errors}");
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

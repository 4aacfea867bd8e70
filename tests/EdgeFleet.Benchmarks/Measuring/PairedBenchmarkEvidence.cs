using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// Whether the paired benchmark tells the truth on this machine: a model against itself must not be called faster or slower
/// more often than the interval allows, and a little more work must be seen.
/// </summary>
public static class PairedBenchmarkEvidence
{
    private const int Runs = 40;
    private const int Layers = 40;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using TemporaryFolder folder = new();
        string example = Path.Combine(Checkout.Root, "fleet", "examples", "fashion", "fashion_resnet8.onnx");
        string work = folder.Write("work.onnx", TinyModel.Work(64, Layers));
        string more = folder.Write("more.onnx", TinyModel.Work(64, Layers + 2));

        List<BenchEvidence> same = await RunAsync(example, example, cancellationToken);
        List<BenchEvidence> slower = await RunAsync(work, more, cancellationToken);
        double falseClaims = Share(same, evidence => evidence.Difference != "none");
        double seen = Share(slower, evidence => evidence.Difference == "slower");
        double halfWidth = same.Select(evidence => Math.Log(evidence.LatencyRatioHigh!.Value / evidence.LatencyRatioLow!.Value) / 2).Order().ElementAt(Runs / 2);
        string source = $"{Runs} runs of 30 blocks of 40 ms";
        return
        [
            new("a model called faster or slower than itself", falseClaims, "share", "<= 0.15", falseClaims <= 0.15, $"{source}, fashion_resnet8; nominal 0.05"),
            new("half-width of the interval of the latency ratio, median", halfWidth, "ln", null, true, source),
            new("worst ratio of a model to itself", same.Max(evidence => Math.Abs(Math.Log(evidence.LatencyRatio!.Value))), "ln", null, true, source),
            new($"{2.0 / Layers:P0} more work called slower", seen, "share", ">= 0.9", seen >= 0.9, $"{source}, a chain of {Layers} against {Layers + 2} matrix products"),
        ];
    }

    private static async Task<List<BenchEvidence>> RunAsync(string baseline, string candidate, CancellationToken cancellationToken)
    {
        List<BenchEvidence> all = [];
        for (ulong seed = 1; seed <= Runs; seed++)
        {
            BenchJob job = new() { BaselinePath = baseline, CandidatePath = candidate, BlockMs = 40, WarmUpMs = 100, Seed = seed };
            all.Add(await PairedBenchmark.RunAsync(job, progress: null, cancellationToken));
        }
        return all;
    }

    private static double Share(List<BenchEvidence> all, Func<BenchEvidence, bool> which) => all.Count(which) / (double)all.Count;
}

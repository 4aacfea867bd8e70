using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// Whether the paired benchmark tells the truth on this machine, with the protocol as it stands and real models: a model
/// against itself must rarely be called faster or slower, and a distilled one must be found faster every time. On a machine
/// where others work, blocks are disturbed and a run says inconclusive: those are counted, not hidden.
/// </summary>
public static class PairedBenchmarkEvidence
{
    private const int Runs = 20;
    private const int MostFalse = 3;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        string resnet = SharedFiles.Locate("models/fashion_resnet8_v1.onnx") ?? Path.Combine(Checkout.Root, "fleet", "examples", "fashion", "fashion_resnet8.onnx");
        List<BenchEvidence> same = await RunAsync(resnet, resnet, cancellationToken);
        int falseClaims = same.Count(evidence => evidence.Difference != "none");
        List<BenchFigure> figures =
        [
            new($"{Name(resnet)} called faster or slower than itself", falseClaims, "runs", $"<= {MostFalse} of {Runs}", falseClaims <= MostFalse && same.Count == Runs, Source(same)),
            new("worst ratio of the model to itself", same.Max(evidence => Math.Abs(Math.Log(evidence.Latency.Ratio ?? 1))), "ln", null, true, Source(same)),
        ];
        if (SharedFiles.Locate("models/fashion_student_distilled.onnx") is not { } student)
        {
            figures.Add(new("the distilled student found faster", 0, "runs", null, true, "not measured: fashion_student_distilled is not beside the checkout"));
            return figures;
        }
        List<BenchEvidence> faster = await RunAsync(resnet, student, cancellationToken);
        int found = faster.Count(evidence => evidence.Difference == "faster");
        figures.Add(new($"{Name(student)} found faster than {Name(resnet)}", found, "runs", $"{Runs} of {Runs}", found == Runs, Source(faster)));
        return figures;
    }

    private static async Task<List<BenchEvidence>> RunAsync(string baseline, string candidate, CancellationToken cancellationToken)
    {
        List<BenchEvidence> all = [];
        // A device that was not fit was not measured: that is no run, and too many of them are no evidence.
        for (ulong seed = 1; all.Count < Runs && seed <= 2 * Runs; seed++)
        {
            BenchJob job = new() { BaselinePath = baseline, CandidatePath = candidate, CellMs = 100, ColdStarts = 1, TailInferences = 0, Counters = false, Seed = seed };
            BenchEvidence evidence = (await PairedBenchmark.RunAsync(job, OwnProgram.Find("EdgeFleet.Benchmarks.dll"), progress: null, cancellationToken)).Evidence;
            if (evidence.Blocks > 0)
            {
                all.Add(evidence);
            }
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"  {Name(candidate)} against {Name(baseline)}, {all.Count} of {Runs}: {evidence.Difference}, ratio {evidence.Latency.Ratio:0.0000}, {evidence.Blocks} blocks and {evidence.DiscardedBlocks} disturbed, {(evidence.Blocks > 0 ? evidence.Verdict : evidence.Reason)}"));
        }
        return all;
    }

    private static string Source(List<BenchEvidence> runs) => string.Create(
        CultureInfo.InvariantCulture,
        $"{runs.Count} runs of {runs.Min(run => run.Blocks)} to {runs.Max(run => run.Blocks)} blocks of four cells of 100 ms; {runs.Count(run => run.Verdict == "inconclusive")} inconclusive, {runs.Sum(run => run.DiscardedBlocks)} blocks disturbed");

    private static string Name(string path) => Path.GetFileNameWithoutExtension(path);
}

using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// What our measured loop adds to an inference: its median against that of a C program over the same library, with the same
/// settings and inputs. Both are processes and take turns of some milliseconds, so that a machine that slows down slows both;
/// and there are several pairs of processes, because where a process's memory happens to lie moves its latency for life.
/// </summary>
public static class InferenceOverheadBenchmark
{
    private const int Pairs = 9;
    private const int Turns = 10;
    private const int WarmUp = 2000;
    private const double TurnMicros = 50_000;
    private const int AllocationInferences = 10_000;
    private const int ControlMicros = 5;
    private const double AllowedMicros = 3, AllowedShare = 0.01;

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using TemporaryFolder folder = new();
        string native = await NativeBench.CompileAsync(folder.Path, cancellationToken);
        List<BenchFigure> figures = [];
        foreach ((string name, string path) in RealModels.Find())
        {
            figures.AddRange(await CompareAsync(name, path, native, cancellationToken));
        }
        (string example, string model) = RealModels.Find()[0];
        figures.Add(await ControlAsync(example, model, native, cancellationToken));
        return figures;
    }

    /// <summary>The control: were the difference blind, a C program that is made slower would look like the other.</summary>
    private static async Task<BenchFigure> ControlAsync(string name, string path, string native, CancellationToken cancellationToken)
    {
        Comparison slowed = await MeasureAsync(path, [native, NativeBench.Library, path, "1", $"{WarmUp}", $"{ControlMicros * 1000}"], pairs: 3, cancellationToken);
        double seen = -Median(slowed.Differences);
        return new($"{name}: control, C slowed by {ControlMicros} us is found slower by", seen, "us", $"{ControlMicros} +- 1", Math.Abs(seen - ControlMicros) <= 1, "median over 3 pairs of processes");
    }

    private static async Task<IReadOnlyList<BenchFigure>> CompareAsync(string name, string path, string native, CancellationToken cancellationToken)
    {
        Comparison all = await MeasureAsync(path, [native, NativeBench.Library, path, "1", $"{WarmUp}"], Pairs, cancellationToken);
        double excess = Median(all.Excesses);
        string source = $"median over {Pairs} pairs of fresh processes of the median over {Turns} turns of about {TurnMicros / 1000:0} ms each";
        string allocated = $"most of {Pairs} processes, {AllocationInferences} inferences each";
        return
        [
            new($"{name}: p50 over that of C, beyond {AllowedShare:P0}", excess, "us", $"<= {AllowedMicros:0}", excess <= AllowedMicros, source),
            new($"{name}: p50 over that of C", Median(all.Differences), "us", null, true, source),
            new($"{name}: p50 as a ratio to that of C", Median(all.Ratios), "", null, true, source),
            new($"{name}: the same, least and most of the pairs, half the distance", (all.Ratios.Max() - all.Ratios.Min()) / 2, "", null, true, source),
            new($"{name}: C program, p50", Median(all.Bare), "us", null, true, source),
            new($"{name}: allocated by the measuring thread", all.ByThread, "bytes", "== 0", all.ByThread == 0, allocated),
            new($"{name}: allocated by any thread meanwhile", all.ByAny, "bytes", "== 0", all.ByAny == 0, allocated),
        ];
    }

    private static async Task<Comparison> MeasureAsync(string path, string[] command, int pairs, CancellationToken cancellationToken)
    {
        List<double> ratios = [], differences = [], excesses = [], bare = [];
        double byThread = 0, byAny = 0;
        for (int pair = 0; pair < pairs; pair++)
        {
            await using LoopPeer c = await LoopPeer.StartAsync(command[0], command.Skip(1), cancellationToken);
            await using LoopPeer ours = await LoopPeer.StartAsync("dotnet", [typeof(LoopProcess).Assembly.Location, LoopProcess.Command, path, "1", $"{WarmUp}"], cancellationToken);
            if (c.Answer != ours.Answer)
            {
                throw new InvalidOperationException($"model '{path}': the C program's outputs differ from ours, so the two did not do the same");
            }
            int inferences = (int)Math.Clamp(TurnMicros / await P50Async(c, 200, cancellationToken), 200, 20_000);
            _ = await P50Async(ours, inferences, cancellationToken);
            List<double> cMicros = [], ourMicros = [];
            for (int turn = 0; turn < Turns; turn++)
            {
                bool oursFirst = (turn + pair) % 2 == 0;
                foreach (bool isOurs in (bool[])[oursFirst, !oursFirst])
                {
                    (isOurs ? ourMicros : cMicros).Add(await P50Async(isOurs ? ours : c, inferences, cancellationToken));
                }
            }
            ratios.Add(Median(ourMicros.Zip(cMicros, (o, b) => o / b)));
            differences.Add(Median(ourMicros.Zip(cMicros, (o, b) => o - b)));
            excesses.Add(Median(ourMicros.Zip(cMicros, (o, b) => o - ((1 + AllowedShare) * b))));
            bare.Add(Median(cMicros));
            System.Text.Json.Nodes.JsonNode allocation = await ours.RunAsync(AllocationInferences, cancellationToken);
            byThread = Math.Max(byThread, (double)allocation["allocatedByThisThread"]!);
            byAny = Math.Max(byAny, (double)allocation["allocatedByAnyThread"]!);
        }
        return new Comparison(ratios, differences, excesses, bare, byThread, byAny);
    }

    /// <summary>One value for each pair of processes; of allocations the most.</summary>
    private sealed record Comparison(List<double> Ratios, List<double> Differences, List<double> Excesses, List<double> Bare, double ByThread, double ByAny);

    private static async Task<double> P50Async(LoopPeer peer, int inferences, CancellationToken cancellationToken) =>
        (double)(await peer.RunAsync(inferences, cancellationToken))["p50Micros"]!;

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}

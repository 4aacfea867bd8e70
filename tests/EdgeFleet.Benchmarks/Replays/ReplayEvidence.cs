using System.Globalization;
using EdgeFleet.Benchmarks.Gating;
using EdgeFleet.Inference;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Benchmarks.Replays;

/// <summary>
/// Whole rollouts, from the first device to the last: the real baseline against itself, and candidates that are harmed in known
/// ways. What hollow devices report was measured on this machine in the same run.
/// </summary>
internal static class ReplayEvidence
{
    private static readonly int[] s_fleets = [3, 8, 30, 300];
    private const int AgainstItself = 25; // of each fleet, so 100
    private const int Runs = 10;
    private const int MostRollbacks = 5;

    private static string Baseline => Path.Join(Trace.Example, "fashion_resnet8.onnx");

    /// <summary>The baseline against itself, a hundred times.</summary>
    public static Task<IReadOnlyList<BenchFigure>> AgainstItselfAsync(CancellationToken cancellationToken)
    {
        Candidate same = new("the baseline against itself", Trace.Measure(Baseline, Baseline, Trace.Inputs(), cancellationToken));
        List<RolloutOutcome> all = [];
        WriteHead();
        foreach (int devices in s_fleets)
        {
            RolloutOutcome[] outcomes = Run(same, devices, AgainstItself, cancellationToken);
            all.AddRange(outcomes);
            WriteRow(same, devices, outcomes);
        }
        int back = all.Count(o => o.Ending == Ending.RolledBack);
        string source = $"fleets of {string.Join(", ", s_fleets)}, {AgainstItself} rollouts each; {ReplayedRollout.Policy}; simulated from {Trace.Source}; the seeds are fixed, the measured times are not";
        return Task.FromResult<IReadOnlyList<BenchFigure>>(
        [
            new($"of {all.Count} rollouts of the baseline against itself: rolled back", back, "rollouts", $"<= {MostRollbacks}", back <= MostRollbacks, source),
            new("the same: completed", all.Count(o => o.Ending == Ending.Completed), "rollouts", null, true, source),
            new("the same: left to a person when a stage's time was over", all.Count(o => o.Ending == Ending.Inconclusive), "rollouts", null, true, $"{string.Join(" | ", all.Where(o => o.Ending == Ending.Inconclusive).Select(o => o.Reason))}; {source}"),
            new("the same: refused by the benchmark", all.Count(o => o.Ending == Ending.Refused), "rollouts", null, true, source),
            new("the same: devices of completed rollouts that were taken back alone", all.Where(o => o.Ending == Ending.Completed).Sum(o => o.Exposed - o.Keep), "devices", null, true, source),
        ]);
    }

    /// <summary>Candidates with a known harm, and one that is better.</summary>
    public static Task<IReadOnlyList<BenchFigure>> CandidatesAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        try
        {
            IReadOnlyList<Tensor> inputs = Trace.Inputs();
            string harmed = Path.Join(folder, "harmed.onnx");
            string how = HarmedClass.Write(Baseline, harmed, points: 1.5, inputs);
            IReadOnlyList<Trace> Measure(string candidate) => Trace.Measure(Baseline, candidate, inputs, cancellationToken);
            IReadOnlyList<Trace> same = Measure(Baseline), oneClass = Measure(harmed), retrained = Measure(Path.Join(Trace.Example, "fashion_resnet8_v2.onnx"));
            (Candidate Candidate, bool MayComplete)[] candidates =
            [
                (new("+15 % latency", same) { Slower = 1.15 }, false),
                (new("+15 % latency, not in the benchmark", same) { Slower = 1.15, InBenchmark = false }, false),
                // Without labels a class is harmed as far as the answers differ.
                (new("one class harmed, accuracy -1.5 points", oneClass), true),
                (new("NaN on 1 of 1,000 inputs", same) { NonFinite = 0.001 }, false),
                (new("leak of 60 MiB/h in the shadow", same) { LeakMiBPerHour = 60 }, true),
                (new("10 % of devices fall silent", same) { Silent = 0.1 }, false),
                (new("retrained v1 -> v2, equivalence", retrained), false),
                (new("retrained v1 -> v2, improvement", retrained) { Compare = CompareMode.Improvement }, true),
            ];
            Console.WriteLine($"   one class harmed: {how}");
            return Task.FromResult(Judge(candidates, cancellationToken));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The same class harmed where applications tell, for a fifth of the requests, what was right.</summary>
    public static Task<IReadOnlyList<BenchFigure>> LabelledAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        try
        {
            IReadOnlyList<Tensor> inputs = Trace.Inputs();
            string harmed = Path.Join(folder, "harmed.onnx"), retrained = Path.Join(Trace.Example, "fashion_resnet8_v2.onnx");
            string how = HarmedClass.Write(Baseline, harmed, points: 1.5, inputs);
            IReadOnlyList<Trace> oneClass = Trace.Measure(Baseline, harmed, inputs, cancellationToken);
            Answers answers = Answers.Of(Baseline, harmed, inputs);
            Console.WriteLine($"   one class harmed: {how}");
            return Task.FromResult(Judge(
                [
                    // Half a point beyond the margin of accuracy, on few labels: what it comes to is what is asked.
                    (new("one class harmed, labels", oneClass) { Labelled = answers }, true),
                    (new("one class harmed, labels and slices", oneClass) { Labelled = answers, Sliced = true }, true),
                    (new("retrained, improvement, labels", Trace.Measure(Baseline, retrained, inputs, cancellationToken))
                    {
                        Compare = CompareMode.Improvement, Labelled = Answers.Of(Baseline, retrained, inputs),
                    }, true),
                ],
                cancellationToken));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IReadOnlyList<BenchFigure> Judge(IEnumerable<(Candidate Candidate, bool MayComplete)> candidates, CancellationToken cancellationToken)
    {
        List<BenchFigure> figures = [];
        WriteHead();
        foreach ((Candidate candidate, bool mayComplete) in candidates)
        {
            foreach (int devices in s_fleets)
            {
                RolloutOutcome[] outcomes = Run(candidate, devices, Runs, cancellationToken);
                WriteRow(candidate, devices, outcomes);
                int completed = outcomes.Count(o => o.Ending == Ending.Completed);
                figures.Add(new BenchFigure($"{candidate.Name}, {devices} devices: completed", completed, $"of {Runs}", mayComplete ? null : "0", completed == 0,
                    $"{Sentence(outcomes)}; the last word of the first: {outcomes[0].Reason}; {ReplayedRollout.Policy}; simulated from {Trace.Source}; the seeds are fixed, the measured times are not"));
            }
        }
        return figures;
    }

    private static RolloutOutcome[] Run(Candidate candidate, int devices, int runs, CancellationToken cancellationToken) =>
        Simulation.Runs($"{candidate.Name}/{devices}", runs, dice => ReplayedRollout.Run(candidate, devices, dice, cancellationToken), cancellationToken);

    private static void WriteHead() => Console.WriteLine($"   {"candidate",-40} {"devices",7}  {"completed",9} {"back",5} {"refused",7} {"person",6}  {"hours",7} {"took part",9} {"served",6} {"keep",5}");

    private static void WriteRow(Candidate candidate, int devices, RolloutOutcome[] outcomes) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"   {candidate.Name,-40} {devices,7}  {Count(outcomes, Ending.Completed),9} {Count(outcomes, Ending.RolledBack),5} {Count(outcomes, Ending.Refused),7} {Count(outcomes, Ending.Inconclusive),6}  {Median(outcomes, o => o.Hours),7:0.00} {Median(outcomes, o => o.TookPart),9} {Median(outcomes, o => o.Exposed),6} {Median(outcomes, o => o.Keep),5}"));

    private static string Sentence(RolloutOutcome[] outcomes) => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count(outcomes, Ending.Completed)} completed, {Count(outcomes, Ending.RolledBack)} rolled back, {Count(outcomes, Ending.Refused)} refused by the benchmark, {Count(outcomes, Ending.Inconclusive)} left to a person; medians: decided after {Median(outcomes, o => o.Hours):0.00} h of the simulation's time, {Median(outcomes, o => o.TookPart)} devices took part, {Median(outcomes, o => o.Exposed)} served it, {Median(outcomes, o => o.Keep)} keep it{(outcomes[0].ApprovalHours is { } asked ? string.Create(CultureInfo.InvariantCulture, $"; a person was asked after {asked:0.00} h and approved an hour later") : "")}");

    private static int Count(RolloutOutcome[] outcomes, Ending ending) => outcomes.Count(o => o.Ending == ending);

    private static double Median(RolloutOutcome[] outcomes, Func<RolloutOutcome, double> of) => outcomes.Select(of).Order().ElementAt(outcomes.Length / 2);
}

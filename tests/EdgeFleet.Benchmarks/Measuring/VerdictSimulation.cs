using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;
using EdgeFleet.Testing.Devices;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// Whether the verdict over paired blocks keeps its promise: simulated devices whose true ratio is known are judged by the
/// product's own rule, look by look. The control is what everybody writes first: run one model, then the other, compare means.
/// </summary>
internal static class VerdictSimulation
{
    private const int Runs = 500;
    private const int ManyRuns = 20_000;
    private const double Margin = 0.05;
    private const double BlockDeviation = 0.01;
    private const string Device = "AR(1) phi 0.98 cv 2 %, creep 5 %, 0.3 % spikes, 25 inferences a cell";

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        GroupSequential plan = GroupSequential.Standard;
        Outcome[] same = Simulate(Runs, run => OnDevice(run, 1), plan, Margin);
        // With no margin nothing but a difference ends a run before its last look: the most that the looks can be wrong.
        Outcome[] sameToTheEnd = Simulate(ManyRuns, run => OnDevice(run, 1), plan, margin: 0);
        Outcome[] sameShort = Simulate(ManyRuns, run => OnDevice(run, 1), GroupSequential.OneLook(6), Margin);
        Outcome[] two = Simulate(Runs, run => Scattered(run, 1.02), plan, Margin);
        Outcome[] five = Simulate(Runs, run => Scattered(run, 1.05), plan, Margin);
        Outcome[] twoOnDevice = Simulate(Runs, run => OnDevice(run, 1.02), plan, Margin);
        Outcome[] ten = Simulate(Runs, run => OnDevice(run, 1.10), plan, Margin);
        Outcome[] atMargin = Simulate(ManyRuns, run => OnDevice(run, 1 + Margin), plan, Margin);
        cancellationToken.ThrowIfCancellationRequested();
        double[] control = [.. Enumerable.Range(1, Runs).Select(OneAfterTheOther)];

        double halfWidth = same.Select(run => Math.Log(run.First.Primary.High!.Value / run.First.Primary.Low!.Value) / 2).Order().ElementAt(Runs / 2);
        double wrong = Share(control, t => t != 0);
        string device = $"{Runs} simulated runs, {Device}";
        string many = $"{ManyRuns} simulated runs, {Device}";
        string scattered = $"{Runs} simulated runs, log ratios of blocks with a deviation of {BlockDeviation:P0}, judged at 12 blocks";
        return Task.FromResult<IReadOnlyList<BenchFigure>>(
        [
            AtMost("identical models called different", 0.06, Share(same, IsDifferent), $"margin {Margin:P0}, looks at 12, 20 and 30 blocks; {device}"),
            AtMost("the same where only a difference ends a run early", 0.06, Share(sameToTheEnd, IsDifferent), $"no margin; {many}"),
            Told("of these called slower", Share(sameToTheEnd, run => run.Last.Difference == Difference.Slower), "share", "half of them where the order of the cells favours nobody"),
            AtMost("identical models called different after 6 blocks", 0.06, Share(sameShort, IsDifferent), $"one look at level 0.05; {many}"),
            AtLeast("2 % slower is found at 12 blocks", 0.9, Share(two, IsSlowerAtOnce), scattered),
            AtLeast("5 % slower is found at 12 blocks", 0.9, Share(five, IsSlowerAtOnce), scattered),
            AtLeast("2 % slower is found at 12 blocks on a drifting device", 0.9, Share(twoOnDevice, IsSlowerAtOnce), device),
            AtLeast("and passes a margin of 5 %", 0.9, Share(twoOnDevice, run => run.Last.Verdict == Verdict.Pass), device),
            AtLeast("10 % slower fails it", 0.9, Share(ten, run => run.Last.Verdict == Verdict.Fail), device),
            AtMost("passed though exactly at the margin", 0.05, Share(atMargin, run => run.Last.Verdict == Verdict.Pass), many),
            AtMost("failed though exactly at the margin", 0.05, Share(atMargin, run => run.Last.Verdict == Verdict.Fail), many),
            Told("half-width of the interval at 12 blocks, median", 100 * halfWidth, "%", device),
            new("identical models, one after the other, by Welch's test", wrong, "share", "> 0.5", wrong > 0.5, $"the control, must fail: 600 inferences of each, level 0.05; {device}"),
            Told("of these called slower", Share(control, t => t > 0), "share", "the one that runs second meets the warmer device"),
        ]);
    }

    /// <summary>A run as the coordinator makes it: block after block until the verdict says that no more are needed.</summary>
    private static Outcome[] Simulate(int runs, Func<int, Func<double>> blocksOf, GroupSequential plan, double margin)
    {
        Outcome[] outcomes = new Outcome[runs];
        Parallel.For(0, runs, run =>
        {
            Func<double> block = blocksOf(run + 1);
            List<double> logRatios = [];
            BlockVerdict? first = null, last;
            do
            {
                logRatios.Add(block());
                last = BlockVerdict.Of(plan.At(logRatios.Count), [MetricBlocks.Measured("latency", logRatios, margin)], Soundness.Sound);
                first ??= logRatios.Count == plan.Looks[0] ? last : null;
            }
            while (last.GoOn);
            outcomes[run] = new Outcome(first!, last);
        });
        return outcomes;
    }

    private static Func<double> OnDevice(int seed, double ratio)
    {
        NoisyDevice device = new(seed);
        return () =>
        {
            (double baseline, double candidate) = device.Block(ratio);
            return BlockEstimator.LogRatios([baseline], [candidate])[0];
        };
    }

    private static Func<double> Scattered(int seed, double ratio)
    {
        NoisyDevice device = new(seed);
        return () => Math.Log(ratio) + (BlockDeviation * device.Normal());
    }

    /// <summary>Welch's t where it is significant at 0.05, else 0. Positive: the second model is called slower.</summary>
    private static double OneAfterTheOther(int seed)
    {
        const int inferences = 600;
        NoisyDevice device = new(seed);
        (double firstMean, double firstError) = Sample();
        (double secondMean, double secondError) = Sample();
        double errors = firstError + secondError;
        double t = (secondMean - firstMean) / Math.Sqrt(errors);
        double degreesOfFreedom = errors * errors * (inferences - 1) / ((firstError * firstError) + (secondError * secondError));
        return StudentT.TwoSidedTail(t, degreesOfFreedom) <= 0.05 ? t : 0;

        (double Mean, double SquaredError) Sample()
        {
            double[] latencies = [.. Enumerable.Range(0, inferences).Select(_ => device.Next(1))];
            return (latencies.Average(), Math.Pow(BlockEstimator.StandardDeviation(latencies)!.Value, 2) / inferences);
        }
    }

    private static bool IsDifferent(Outcome run) => run.Last.Difference != Difference.None;

    private static bool IsSlowerAtOnce(Outcome run) => run.First.Difference == Difference.Slower;

    private static double Share<T>(T[] runs, Func<T, bool> which) => runs.Count(which) / (double)runs.Length;

    private static BenchFigure AtMost(string name, double bar, double value, string source) => new(name, value, "share", $"<= {bar}", value <= bar, source);

    private static BenchFigure AtLeast(string name, double bar, double value, string source) => new(name, value, "share", $">= {bar}", value >= bar, source);

    private static BenchFigure Told(string name, double value, string unit, string source) => new(name, value, unit, null, true, source);

    /// <summary>The verdict at the first look, and the one that ended the run.</summary>
    private sealed record Outcome(BlockVerdict First, BlockVerdict Last);
}

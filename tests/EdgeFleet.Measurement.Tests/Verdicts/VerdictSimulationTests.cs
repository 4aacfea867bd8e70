using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Testing.Devices;

namespace EdgeFleet.Measurement.Tests.Verdicts;

/// <summary>A small version of the evidence <c>verdict-simulation</c>: runs on a simulated device that drifts and spikes.</summary>
public sealed class VerdictSimulationTests
{
    private const int Runs = 300;
    private const double Margin = 0.05;

    [Theory, InlineData(Margin), InlineData(0.0)]
    public void Identical_models_are_seldom_called_different_however_many_looks_there_are(double margin)
    {
        int called = Enumerable.Range(1, Runs).Count(seed => Run(seed, 1, margin).Difference != Difference.None);

        Assert.InRange(called, 1, 0.06 * Runs);
    }

    [Fact]
    public void Two_percent_are_found_and_within_the_margin() => Assert.All(
        Enumerable.Range(1, 50).Select(seed => Run(seed, 1.02, Margin)),
        run => Assert.Equal((Verdict.Pass, Difference.Slower), (run.Verdict, run.Difference)));

    [Theory, InlineData(1.10, Verdict.Fail), InlineData(0.90, Verdict.Pass)]
    public void Ten_percent_are_always_told(double ratio, Verdict verdict) =>
        Assert.All(Enumerable.Range(1, 50), seed => Assert.Equal(verdict, Run(seed, ratio, Margin).Verdict));

    [Fact]
    public void A_candidate_exactly_at_the_margin_is_seldom_passed_or_failed()
    {
        List<BlockVerdict> runs = [.. Enumerable.Range(1, Runs).Select(seed => Run(seed, 1 + Margin, Margin))];

        Assert.InRange(runs.Count(run => run.Verdict == Verdict.Pass), 0, 0.05 * Runs);
        Assert.InRange(runs.Count(run => run.Verdict == Verdict.Fail), 0, 0.05 * Runs);
        Assert.All(runs.Where(run => run.Verdict == Verdict.Inconclusive), run => Assert.Contains("30 blocks", run.Sentence, StringComparison.Ordinal));
    }

    private static BlockVerdict Run(int seed, double ratio, double margin)
    {
        NoisyDevice device = new(seed);
        List<double> baseline = [], candidate = [];
        BlockVerdict verdict;
        do
        {
            (double b, double c) = device.Block(ratio);
            baseline.Add(b);
            candidate.Add(c);
            MetricBlocks latency = MetricBlocks.Measured("latency", BlockEstimator.LogRatios(baseline, candidate), margin);
            verdict = BlockVerdict.Of(GroupSequential.Standard.At(baseline.Count), [latency], Soundness.Sound);
        }
        while (verdict.GoOn);
        return verdict;
    }
}

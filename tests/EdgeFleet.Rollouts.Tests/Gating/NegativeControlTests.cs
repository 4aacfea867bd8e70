using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Tests.Gating;

/// <summary>
/// The usual ways to get this wrong, run on the same data as the gate. They must fail: if they did not, these data could
/// not show that the gate does better.
/// </summary>
public sealed class NegativeControlTests
{
    private const double Alpha = 0.05;
    private static readonly double s_margin = Math.Log(1.05);

    [Fact]
    public void Pooling_pairs_of_correlated_devices_promotes_far_too_often_and_the_gate_does_not()
    {
        // The class's true mean lies exactly at the margin; devices differ by 10 %, their own ticks by 2 %.
        const int runs = 150, devices = 30, ticks = 5;
        Random random = new(11);
        int pooled = 0, gate = 0;
        for (int run = 0; run < runs; run++)
        {
            List<TickingDevice> cohort = [];
            List<double> all = [];
            for (int d = 0; d < devices; d++)
            {
                double own = s_margin + (0.1 * Normal(random));
                double[] ratios = [.. Enumerable.Range(0, ticks).Select(_ => own + (0.02 * Normal(random)))];
                all.AddRange(ratios);
                cohort.Add(Gates.Device(d) with { Ticks = [.. ratios.Select((r, t) => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = r })] });
            }
            pooled += ZOf(all, s_margin) < -1.645 ? 1 : 0;
            MetricVerdict latency = Gate.Evaluate(Gates.Input(cohort, classSize: 10_000)).Metrics.Single(m => m.Metric == GateMetric.LatencyP50);
            gate += latency.State == MetricState.Promotes ? 1 : 0;
        }

        Assert.True(pooled > runs * 0.2, $"the pooled test promoted {pooled} of {runs}");
        Assert.True(gate <= AtMost(runs), $"the gate promoted {gate} of {runs} at the margin");
    }

    [Fact]
    public void Looking_at_a_fixed_sample_test_after_every_tick_takes_back_far_too_often_and_the_gate_does_not()
    {
        const int runs = 150, ticks = 400;
        Random random = new(12);
        GateScales scales = new(Gates.Margins, Gates.Quiet, GateRules.Current);
        int peeking = 0, gate = 0;
        for (int run = 0; run < runs; run++)
        {
            double[] ratios = [.. Enumerable.Range(0, ticks).Select(_ => s_margin + (0.03 * Normal(random)))];
            peeking += Enumerable.Range(10, ticks - 10).Any(n => ZOf(ratios.AsSpan(0, n), s_margin) > 1.645) ? 1 : 0;
            TickingDevice device = Gates.Device(0) with { Ticks = [.. ratios.Select((r, t) => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = r })] };
            // The largest value it ever had: as if someone had looked after every tick.
            gate += HarmEvidence.OfDevice(Gates.Input([device]).Devices[0].Evidence!.SettledCensus(scales), scales).Metrics.Single(metric => metric.Scale.Asked.Metric == GateMetric.LatencyP50).Series.MaxLogE >= Math.Log(1 / Alpha) ? 1 : 0;
        }

        Assert.True(peeking > runs * 0.15, $"the peeking test raised the alarm in {peeking} of {runs}");
        Assert.True(gate <= AtMost(runs), $"the gate raised the alarm in {gate} of {runs} at the margin");
    }

    [Fact]
    public void Leaving_out_devices_that_hang_promotes_a_candidate_that_hangs_them_and_the_gate_does_not()
    {
        // One device in five stops answering with the candidate; all others are perfect.
        const int runs = 100, devices = 30;
        Random random = new(13);
        int completeCase = 0, gate = 0;
        for (int run = 0; run < runs; run++)
        {
            List<TickingDevice> cohort = [.. Gates.Devices(devices, i => random.NextDouble() < 0.2
                ? Gates.Device(i) with { Standing = DeviceStanding.Missing, StandingReason = "silent" }
                : Gates.Device(i, ticks: 5))];
            BettingState complete = BettingEProcess.Observe(
                BettingEProcess.StartPromotion(GateRules.Current.DisagreementPromotionNull, 1000),
                cohort.Where(d => d.Standing == DeviceStanding.Reached).Select(_ => 0.0));
            completeCase += complete.Rejects(Alpha) ? 1 : 0;
            gate += Gate.Evaluate(Gates.Input(cohort, classSize: 1000)).Decision == GateDecision.Promote ? 1 : 0;
        }

        Assert.True(completeCase > runs * 0.8, $"complete cases promoted {completeCase} of {runs}");
        Assert.True(gate <= AtMost(runs), $"the gate promoted {gate} of {runs}");
    }

    [Fact]
    public void The_same_model_on_both_sides_is_not_taken_back()
    {
        const int runs = 60;
        Random random = new(14);
        int back = 0;
        for (int run = 0; run < runs; run++)
        {
            List<TickingDevice> cohort = [.. Gates.Devices(8, i => Gates.Device(i) with
            {
                Ticks = [.. Enumerable.Range(0, 60).Select(t => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = 0.03 * Normal(random) })],
            })];
            GateVerdict verdict = Gate.Evaluate(Gates.Input(cohort));
            back += verdict.Decision == GateDecision.Rollback || verdict.Devices.Any(d => d.Decision == GateDecision.Rollback) ? 1 : 0;
        }

        Assert.Equal(0, back);
    }

    // Three standard errors above alpha.
    private static int AtMost(int runs) => (int)(runs * (Alpha + (3 * Math.Sqrt(Alpha * (1 - Alpha) / runs))));

    private static double ZOf(IReadOnlyList<double> values, double null0) => ZOf([.. values], null0);

    private static double ZOf(ReadOnlySpan<double> values, double null0)
    {
        double sum = 0, squares = 0;
        foreach (double value in values)
        {
            sum += value;
            squares += value * value;
        }
        double mean = sum / values.Length;
        double variance = (squares - (values.Length * mean * mean)) / (values.Length - 1);
        return (mean - null0) / Math.Sqrt(variance / values.Length);
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

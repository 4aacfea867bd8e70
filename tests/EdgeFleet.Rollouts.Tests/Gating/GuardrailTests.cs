using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.Sketches;

namespace EdgeFleet.Rollouts.Tests.Gating;

public sealed class GuardrailTests
{
    private static readonly GateMargins s_all = Gates.Margins with
    {
        Guardrails = new GuardrailsSpec { LatencyP95 = true, LatencyP99 = true, Accuracy = true, Brier = true },
    };

    [Fact]
    public void Slow_requests_take_back_what_the_median_would_promote()
    {
        // One request in ten is three times as slow; the median is a fifth faster.
        GateVerdict tails = Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Tails(i, ticks: 60, worse: 3, better: 0))));
        GateVerdict without = Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Tails(i, ticks: 60, worse: 1, better: 1))));

        Assert.Equal(GateDecision.Rollback, tails.Decision);
        Assert.Contains("latencyP95", tails.Reason, StringComparison.Ordinal);
        Assert.Equal(GateDecision.Promote, without.Decision);
    }

    [Fact]
    public void Pairs_that_exceed_as_often_on_either_side_are_no_harm_however_many_they_are()
    {
        // The law: under the null at most half of the pairs that differ are the candidate's, and E stays small.
        Random random = new(21);
        int alarms = 0;
        for (int run = 0; run < 200; run++)
        {
            GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(5, i => Gates.Device(i) with
            {
                Ticks = [.. Enumerable.Range(0, 200).Select(t => Tick(t) with { P95 = random.NextDouble() < 0.5 ? new TailPairs(1, 0) : new TailPairs(0, 1) })],
            }), classSize: 100));
            alarms += verdict.Decision == GateDecision.Rollback ? 1 : 0;
        }

        Assert.InRange(alarms, 0, 10 + 9);
    }

    [Fact]
    public void A_guardrail_without_data_holds_and_says_what_lacks()
    {
        GateVerdict census = Gate.Evaluate(Gates.Input(Gates.Devices(3, i => Gates.Device(i, 60)), margins: s_all));
        GateVerdict large = Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Gates.Device(i, 60)), margins: s_all));

        Assert.Equal(GateDecision.Hold, census.Decision);
        Assert.Equal(GateDecision.Hold, large.Decision);
        Assert.Contains(large.Missing, m => m.Detail == "d0 has 0 of 200 pairs with latencies");
        Assert.Contains(large.Missing, m => m.Detail == "d0 has 0 of 500 labelled rows");
        Assert.Contains(large.Missing, m => m is { Code: MissingCodes.MetricAbsent, Subject: "accuracy" });
        Assert.Contains(census.Missing, m => m.Detail.Contains("latencyP99 has no evidence at all", StringComparison.Ordinal));
    }

    [Theory, InlineData(3), InlineData(30)]
    public void With_all_guardrails_a_good_candidate_is_promoted_and_one_that_loses_accuracy_is_not(int devices)
    {
        GateVerdict good = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Full(i, lost: 0)), margins: s_all));
        GateVerdict worse = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Full(i, lost: 5)), margins: s_all));

        Assert.Equal(GateDecision.Promote, good.Decision);
        Assert.All(good.Metrics, m => Assert.True(devices < 10 || m.State == MetricState.Promotes, $"{m.Metric}: {m.State}"));
        Assert.Equal(GateDecision.Rollback, worse.Decision);
        Assert.Equal(5, worse.Metrics.Single(m => m.Metric == GateMetric.Accuracy).Estimate!.Value, 9);
        Assert.Equal(-20, good.Metrics.Single(m => m.Metric == GateMetric.LatencyP95).Estimate!.Value, 2.0);
    }

    [Fact]
    public void A_better_model_that_differs_is_promoted_by_its_labels_and_held_without_any()
    {
        GateMargins improvement = s_all with { Compare = CompareMode.Improvement, Guardrails = new GuardrailsSpec { Accuracy = true } };
        GateVerdict labelled = Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Full(i, lost: -4, disagreements: 20)), margins: improvement));
        GateVerdict unlabelled = Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Gates.Device(i, 60, disagreements: 20)), margins: improvement));

        Assert.Equal(GateDecision.Promote, labelled.Decision);
        Assert.Equal(GateDecision.Hold, unlabelled.Decision);
        Assert.Equal(GateDecision.Rollback, Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Full(i, lost: -4, disagreements: 20)), margins: s_all)).Decision);
    }

    [Fact]
    public void Reports_of_an_older_device_have_no_tails_and_no_labels()
    {
        GateTick tick = GateTick.From(new ShadowTick { Tick = 1, StartedAt = Gates.Start, DurationMs = 1, Pairs = 5, Disagreements = 0, MedianLogLatencyRatio = 0.1 });

        Assert.Equal((null, null, null, null), (tick.P95, tick.P99, tick.Labels, tick.BaselineLatency));
        Assert.Equal(0.1, tick.MedianLogLatencyRatio);
    }

    [Fact]
    public void A_brier_score_that_rises_is_told_from_one_that_does_not()
    {
        double Estimate(double difference) => Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Gates.Device(i) with
        {
            Ticks = [.. Enumerable.Range(0, 10).Select(t => GateTick.From(new ShadowTick
            {
                Tick = t, StartedAt = Gates.Start, DurationMs = 1, Pairs = 50, Disagreements = 0, MedianLogLatencyRatio = 0,
                Labels = new LabelCounts { BothRight = 50, BothWrong = 0, Lost = 0, Gained = 0, BrierCount = 50, BrierDifferenceSum = 50 * difference },
            }))],
        }))).Metrics.Single(m => m.Metric == GateMetric.Brier).Estimate!.Value;

        Assert.Equal(3.125, Estimate(0.03125), 9);
        Assert.Equal(-12.5, Estimate(-0.125), 9);
    }

    private static TickingDevice Tails(int number, int ticks, int worse, int better) => Gates.Device(number) with
    {
        Ticks = [.. Enumerable.Range(0, ticks).Select(t => Tick(t) with { P95 = new TailPairs(worse, better) })],
    };

    private static TickingDevice Full(int number, int lost, int disagreements = 0) => Gates.Device(number) with
    {
        Ticks = [.. Enumerable.Range(0, 120).Select(t => Tick(t) with
        {
            Disagreements = disagreements,
            P95 = new TailPairs(1, 1),
            P99 = new TailPairs(0, 1),
            BaselineLatency = Bins(1000),
            CandidateLatency = Bins(800),
            Labels = new LabelPairs(100, Math.Max(lost, 0), Math.Max(-lost, 0), 0, 100),
        })],
    };

    private static GateTick Tick(long number) => new() { Tick = number, Pairs = 100, MedianLogLatencyRatio = -0.2 };

    private static LatencyBins Bins(double micros) => new([LatencySketch.IndexOf(micros), LatencySketch.IndexOf(2 * micros)], [90, 10]);
}

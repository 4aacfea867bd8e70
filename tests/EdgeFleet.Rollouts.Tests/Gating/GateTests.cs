using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Tests.Gating;

public sealed class GateTests
{
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3), InlineData(4), InlineData(5), InlineData(8), InlineData(9)]
    public void A_class_under_ten_is_a_census_in_which_every_device_speaks_for_itself(int devices)
    {
        GateVerdict enough = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Gates.Device(i, ticks: 21))));
        GateVerdict tooFew = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Gates.Device(i, ticks: 20))));

        Assert.Equal((GateDecision.Promote, VerdictKind.Census), (enough.Decision, enough.Kind));
        Assert.All(enough.Devices, d => Assert.Equal(GateDecision.Promote, d.Decision));
        Assert.Equal((GateDecision.Hold, VerdictKind.Census), (tooFew.Decision, tooFew.Kind));
        Assert.Equal(devices, tooFew.Missing.Count(m => m.Code == MissingCodes.Metric));
    }

    [Fact]
    public void One_device_of_a_census_that_lacks_evidence_holds_it_and_is_named_with_what_it_lacks()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: i == 2 ? 5 : 30))));

        MissingEvidence missing = Assert.Single(verdict.Missing);
        Assert.Equal((GateDecision.Hold, MissingCodes.Metric, "d2"), (verdict.Decision, missing.Code, missing.Subject));
        Assert.Contains("disagreement lacks evidence (0 %, margin 2 points", missing.Detail, StringComparison.Ordinal);
        Assert.Contains("windows needed, 5 there", missing.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Ten_perfect_devices_decide_a_class_of_ten_without_replacement_and_eight_do_not()
    {
        GateVerdict ten = Gate.Evaluate(Gates.Input(Gates.Devices(10, i => Gates.Device(i, ticks: 5)), classSize: 10));
        GateVerdict eight = Gate.Evaluate(Gates.Input(Gates.Devices(8, i => Gates.Device(i, ticks: 5)), classSize: 10));

        Assert.Equal((GateDecision.Promote, VerdictKind.Statistical), (ten.Decision, ten.Kind));
        Assert.All(ten.Metrics.Where(m => m.State != MetricState.Informational), m => Assert.Equal(MetricState.Promotes, m.State));
        Assert.Equal(GateDecision.Hold, eight.Decision);
        Assert.Contains(eight.Missing, m => m.Code == MissingCodes.Metric && m.Detail.Contains("devices needed, 8 there", StringComparison.Ordinal));
    }

    [Fact]
    public void Twenty_one_perfect_devices_speak_for_an_endless_class_as_computed_by_hand()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(19, i => Gates.Device(i, ticks: 5)), classSize: 100));

        Assert.Equal(GateDecision.Promote, verdict.Decision);
        Assert.Equal(GateDecision.Hold, Gate.Evaluate(Gates.Input(Gates.Devices(18, i => Gates.Device(i, ticks: 5)), classSize: 100)).Decision);
        Assert.Equal(19, verdict.Metrics[0].PromotionObservations);
    }

    [Fact]
    public void Devices_are_taken_in_the_frozen_order_and_not_as_they_finish()
    {
        // The third device is not done; the seventeen after it do not count yet.
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(20, i => Gates.Device(i, ticks: i == 2 ? 4 : 5)), classSize: 100));

        Assert.Equal(2, verdict.Metrics[0].PromotionObservations);
        MissingEvidence pairs = Assert.Single(verdict.Missing, m => m.Code == MissingCodes.Pairs);
        Assert.Equal("d2 has 400 of 500 pairs", pairs.Detail);
    }

    [Fact]
    public void A_missing_device_counts_as_the_worst_value_unless_it_had_said_its_word()
    {
        TickingDevice Missing(int number, int ticks) => Gates.Device(number, ticks) with { Standing = DeviceStanding.Missing, StandingReason = "silent" };

        GateVerdict without = Gate.Evaluate(Gates.Input(Gates.Devices(19, i => i == 3 ? Missing(i, 2) : Gates.Device(i, 5)), classSize: 100));
        GateVerdict with = Gate.Evaluate(Gates.Input(Gates.Devices(19, i => i == 3 ? Missing(i, 5) : Gates.Device(i, 5)), classSize: 100));

        Assert.True(without.Metrics[0].PromotionLogE < with.Metrics[0].PromotionLogE);
        Assert.Equal(with.Metrics[0].PromotionLogE, Gate.Evaluate(Gates.Input(Gates.Devices(19, i => Gates.Device(i, 5)), classSize: 100)).Metrics[0].PromotionLogE);
    }

    [Fact]
    public void Refused_devices_are_stepped_over()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Input(
            Gates.Devices(40, i => i % 2 == 0 ? Gates.Device(i) with { Standing = DeviceStanding.Refused } : Gates.Device(i, 5)), classSize: 40));

        Assert.Equal(20, verdict.Metrics[0].PromotionObservations);
        Assert.Equal(GateDecision.Promote, verdict.Decision);
        Assert.Contains("20 refused", verdict.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1, true), InlineData(4, 1, true), InlineData(5, 1, false), InlineData(5, 2, true), InlineData(8, 1, false), InlineData(30, 1, false), InlineData(30, 2, true)]
    public void Invariants_take_back_at_one_device_under_five_and_at_two_from_there(int devices, int broken, bool takenBack)
    {
        InvariantFinding nan = new(InvariantKind.NonFinite, 3, "3 x NaN");
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Gates.Device(i, 3) with
        {
            Invariants = i < broken ? [nan] : [],
            Standing = i < broken ? DeviceStanding.Failed : DeviceStanding.Reached,
        })));

        Assert.Equal(takenBack, verdict.Decision == GateDecision.Rollback);
        Assert.Equal(takenBack, verdict.Kind == VerdictKind.Invariant);
    }

    [Fact]
    public void A_metric_that_nobody_measured_is_named_and_never_a_pass()
    {
        GateVerdict census = Gate.Evaluate(Gates.Input(Gates.Devices(3, i => Gates.Device(i, 60, logRatio: null))));
        GateVerdict large = Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Gates.Device(i, 5, logRatio: null)), classSize: 30));

        Assert.Equal(GateDecision.Hold, census.Decision);
        Assert.All(census.Missing, m => Assert.Contains("latencyP50 has no evidence at all", m.Detail, StringComparison.Ordinal));
        Assert.Equal(MetricState.Absent, census.Metrics[1].State);
        // In a large class a device that measured no latency counts as the worst.
        Assert.Equal(GateDecision.Hold, large.Decision);
        Assert.Contains(large.Missing, m => m.Subject == "latencyP50");
    }

    [Fact]
    public void Ticks_without_traffic_are_no_evidence_of_anything()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(3, i => Gates.Device(i, 500, pairs: 0, logRatio: null))));

        Assert.Equal(GateDecision.Hold, verdict.Decision);
        Assert.All(verdict.Devices, d => Assert.Equal((0L, "no judged pairs yet"), (d.Pairs, d.Reason)));
    }

    [Fact]
    public void A_shadow_that_no_application_feeds_says_so()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Uncalibrated(Gates.Devices(3, i => Gates.Device(i, 5, pairs: 0, logRatio: null))));

        Assert.Contains("do applications ask the model?", Assert.Single(verdict.Missing, m => m.Code == MissingCodes.Calibration).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Before_the_noise_is_known_nothing_is_judged()
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Uncalibrated(Gates.Devices(3, i => Gates.Device(i, 2, disagreements: 90))));

        Assert.Equal(GateDecision.Hold, verdict.Decision);
        MissingEvidence calibration = Assert.Single(verdict.Missing, m => m.Code == MissingCodes.Calibration);
        Assert.Contains("2 of 3 calibration ticks", calibration.Detail, StringComparison.Ordinal);
        Assert.All(verdict.Metrics, m => Assert.Equal(MetricState.Absent, m.State));
    }

    [Fact]
    public void A_baseline_that_disagrees_with_itself_is_not_held_against_the_candidate()
    {
        GateCalibration noisy = Gates.Quiet with { NoiseRate = 0.05, NoiseRateUpper = 0.06 };
        List<TickingDevice> devices = [.. Gates.Devices(4, i => Gates.Device(i, 60, disagreements: 5))];

        Assert.Equal(GateDecision.Promote, Gate.Evaluate(Gates.Input(devices, calibration: noisy)).Decision);
        Assert.Equal(GateDecision.Rollback, Gate.Evaluate(Gates.Input(devices)).Decision);
    }

    [Fact]
    public void Signs_of_harm_hold_before_they_take_back()
    {
        GateVerdict At(int ticks) => Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Gates.Device(i, ticks, disagreements: 5)), margins: Gates.Margins with { PairsPerDevice = 100 }));
        int amber = Enumerable.Range(1, 50).First(t => At(t).Amber);
        int back = Enumerable.Range(1, 50).First(t => At(t).Decision == GateDecision.Rollback);

        Assert.True(amber < back, $"amber at {amber}, back at {back}");
        Assert.Contains(At(amber).Missing, m => m.Code == MissingCodes.Amber);
        Assert.Contains("harmed beyond the margin: E = ", At(back).Reason, StringComparison.Ordinal);
        Assert.Contains("disagreement 5 % (margin 2 points)", At(back).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_heavier_weight_takes_back_sooner()
    {
        int Ticks(double weight) => Enumerable.Range(1, 100).First(t => Gate.Evaluate(Gates.Input(
            Gates.Devices(12, i => Gates.Device(i, t, disagreements: 3)), margins: Gates.Margins with { WeightDisagreement = weight })).Decision == GateDecision.Rollback);

        Assert.True(Ticks(10) < Ticks(1));
        Assert.True(Ticks(1) < Ticks(0.01));
    }

    [Fact]
    public void A_soak_that_is_not_over_holds_what_would_promote()
    {
        GateInput input = Gates.Input(Gates.Devices(3, i => Gates.Device(i, 30))) with { Soak = TimeSpan.FromHours(2) };

        MissingEvidence soak = Assert.Single(Gate.Evaluate(input).Missing);
        Assert.Equal((MissingCodes.Soak, "1 h of 2 h of soak left"), (soak.Code, soak.Detail));
        Assert.Equal(GateDecision.Promote, Gate.Evaluate(input with { EvaluatedAt = Gates.Start.AddHours(2) }).Decision);
    }

    [Fact]
    public void Harm_needs_half_of_the_devices_that_report_and_does_not_wait_for_the_slow_ones()
    {
        TickingDevice Harmed(int number, int ticks) => Gates.Device(number, ticks, disagreements: 50);

        GateVerdict ahead = Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Harmed(i, i == 0 ? 20 : 0)), classSize: 12));
        GateVerdict half = Gate.Evaluate(Gates.Input(Gates.Devices(12, i => Harmed(i, i < 6 ? 20 : 0)), classSize: 12));
        GateVerdict silent = Gate.Evaluate(Gates.Input(Gates.Devices(12, i => i == 0 ? Harmed(i, 20) : Harmed(i, 0) with { Standing = DeviceStanding.Missing }), classSize: 12));

        Assert.Equal(GateDecision.Hold, ahead.Decision);
        Assert.Equal(0, ahead.Metrics[0].HarmObservations);
        Assert.Equal(GateDecision.Rollback, half.Decision);
        Assert.Equal(GateDecision.Rollback, silent.Decision);
    }

    [Fact]
    public void Ticks_that_move_together_are_joined_for_a_bet_and_the_verdict_says_so()
    {
        Random random = new(15);
        double[] noise = [.. Enumerable.Range(0, 210).Select(_ => random.NextDouble() - 0.5)];
        MetricVerdict Of(int smoothed, out IReadOnlyList<string> warnings)
        {
            GateVerdict verdict = Gate.Evaluate(Gates.Input([Gates.Device(0) with
            {
                Ticks = [.. Enumerable.Range(0, 200).Select(t => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = noise[t..(t + smoothed)].Average() * 0.1 })],
            }]));
            warnings = verdict.Warnings;
            return verdict.Metrics.Single(metric => metric.Metric == GateMetric.LatencyP50);
        }

        Assert.Equal(1, Of(1, out IReadOnlyList<string> none).JoinedTicks);
        Assert.InRange(Of(1, out _).HarmObservations, 150, 200);
        Assert.Empty(none);
        Assert.InRange(Of(8, out IReadOnlyList<string> said).JoinedTicks, 2, 64);
        Assert.Contains("latencyP50: neighbouring ticks moved together", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public void An_effect_that_wanders_about_the_margin_takes_back_no_more_often_than_it_may()
    {
        const int runs = 200;
        Random random = new(16);
        int back = 0;
        for (int run = 0; run < runs; run++)
        {
            double wander = 0;
            List<GateTick> ticks = [];
            for (int t = 0; t < 300; t++)
            {
                wander = (0.8 * wander) + (0.03 * Normal(random));
                ticks.Add(new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = Math.Log(1.05) + wander });
            }
            back += Gate.Evaluate(Gates.Input([Gates.Device(0) with { Ticks = ticks }])).Decision == GateDecision.Rollback ? 1 : 0;
        }

        Assert.InRange(back, 0, (runs / 20) + 9);
    }

    [Fact]
    public void Harm_that_begins_after_hours_of_none_is_found_though_one_bet_would_have_lost_everything_by_then()
    {
        GateVerdict After(int calm, int harmed) => Gate.Evaluate(Gates.Input(Gates.Devices(5, i => Gates.Device(i) with
        {
            Ticks = [.. Enumerable.Range(0, calm + harmed).Select(t => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = (t < calm ? -0.2 : 0.25) + (0.01 * (t % 3)) })],
        }), classSize: 100));
        int Found(int calm) => Enumerable.Range(1, 200).First(n => After(calm, n).Decision == GateDecision.Rollback);

        Assert.InRange(Found(0), 5, 25);
        // The change itself looks like ticks that move together, until it is two stretches old.
        Assert.InRange(Found(600), 5, 200);
        // The control: one bet from the first tick on has lost by then what two hundred ticks do not bring back.
        double[] ticks = [.. Enumerable.Repeat(0.0, 600), .. Enumerable.Repeat(1.0, 100)];
        Assert.True(BettingEProcess.Observe(BettingEProcess.StartHarm(0.5), ticks).LogE < 0);
    }

    [Fact]
    public void What_was_won_on_ticks_that_moved_together_is_given_up()
    {
        GateRules apart = GateRules.Current with { LongestJoin = 1 };
        TickSeries joined = TickSeries.Start(0.5), single = TickSeries.Start(0.5);
        for (int t = 0; joined.Joined == 1; t++)
        {
            Assert.True(t < 64, "they were never joined");
            double observation = 0.75 + (0.2 * Math.Sin(t / 4.0));
            (joined, single) = (joined.With(observation, GateRules.Current), single.With(observation, apart));
        }

        Assert.True(single.LogE > 1, $"{single.LogE}");
        Assert.True(joined.LogE <= 0, $"{joined.LogE}");
    }

    [Theory, InlineData(40, GateDecision.Hold), InlineData(8, GateDecision.Promote)]
    public void What_devices_said_does_not_promote_once_the_plain_figure_lies_beyond_the_margin(int later, GateDecision expected)
    {
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(40, i => Gates.Device(i) with
        {
            Ticks = [.. Enumerable.Range(0, 6).Select(t => new GateTick { Tick = t, Pairs = 100, Disagreements = t == 5 ? later : 0, MedianLogLatencyRatio = -0.2 })],
        }), classSize: 1000));

        Assert.Equal(expected, verdict.Decision);
        Assert.Equal(expected == GateDecision.Hold, verdict.Missing.Any(m => m is { Code: MissingCodes.Metric, Subject: "disagreement" }));
        Assert.True(verdict.Metrics[0].PromotionLogE >= verdict.PromotionLogThreshold);
    }

    [Fact]
    public void Gross_disagreement_in_whole_ticks_is_not_promoted_because_the_rest_is_perfect()
    {
        // One tick in fifteen disagrees on everything: five margins in the mean of all, less than one where each tick is cut.
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(3, i => Gates.Device(i) with
        {
            Ticks = [.. Enumerable.Range(0, 60).Select(t => new GateTick { Tick = t, Pairs = 100, Disagreements = t % 15 == 14 ? 100 : 0, MedianLogLatencyRatio = -0.2 })],
        })));

        Assert.NotEqual(GateDecision.Promote, verdict.Decision);
        Assert.All(verdict.Devices, device => Assert.NotEqual(GateDecision.Promote, device.Decision));
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    [Fact]
    public void Margins_that_were_moved_after_the_start_are_refused()
    {
        GateInput input = Gates.Input([Gates.Device(0, 30)]);

        ArgumentException error = Assert.Throws<ArgumentException>(() => Gate.Evaluate(input with { Margins = input.Margins with { DisagreementPoints = 10 } }));
        Assert.Contains(input.MarginsHash.ToString(), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StageKind.Canary, 19, 1, GateDecision.Promote), InlineData(StageKind.Canary, 18, 2, GateDecision.Hold)]
    [InlineData(StageKind.Canary, 5, 1, GateDecision.Hold), InlineData(StageKind.Full, 19, 1, GateDecision.Hold), InlineData(StageKind.Full, 20, 0, GateDecision.Promote)]
    public void A_serving_stage_tolerates_the_stated_share_of_missing_devices_and_a_full_one_its_own(StageKind stage, int reached, int missing, GateDecision expected)
    {
        GateInput input = Gates.Input(Gates.Devices(reached + missing, i => Gates.Device(i) with { Standing = i < reached ? DeviceStanding.Reached : DeviceStanding.Missing, Shadowing = false }), classSize: 100);

        Assert.Equal(expected, Gate.Evaluate(input with { Stage = stage, StageIndex = 2 }).Decision);
    }
}

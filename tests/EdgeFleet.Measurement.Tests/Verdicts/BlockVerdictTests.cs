using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Tests.Verdicts;

public sealed class BlockVerdictTests
{
    private const double Margin = 0.05;

    // Twelve blocks of Around have a half width of 0.00416: 2.662 × 0.00541 / √12.
    [Theory]
    [InlineData(0.50, Verdict.Pass, Difference.Faster)]
    [InlineData(0.994, Verdict.Pass, Difference.Faster)]
    [InlineData(0.997, Verdict.Pass, Difference.None)]
    [InlineData(1.00, Verdict.Pass, Difference.None)]
    [InlineData(1.003, Verdict.Pass, Difference.None)]
    [InlineData(1.03, Verdict.Pass, Difference.Slower)]
    [InlineData(1.044, Verdict.Pass, Difference.Slower)]
    [InlineData(1.048, Verdict.Inconclusive, Difference.Slower)]
    [InlineData(1.05, Verdict.Inconclusive, Difference.Slower)]
    [InlineData(1.053, Verdict.Inconclusive, Difference.Slower)]
    [InlineData(1.056, Verdict.Fail, Difference.Slower)]
    [InlineData(1.5, Verdict.Fail, Difference.Slower)]
    public void The_whole_interval_decides_against_the_margin_and_against_1(double ratio, Verdict verdict, Difference difference)
    {
        BlockVerdict decided = Judge(Latency(ratio));

        Assert.Equal((verdict, difference), (decided.Verdict, decided.Difference));
        Assert.Equal(ratio, decided.Primary.Ratio!.Value, 9);
        Assert.Equal(0.00416, Math.Log(decided.Primary.High!.Value / ratio), 5);
        Assert.Equal(0.00416, Math.Log(ratio / decided.Primary.Low!.Value), 5);
    }

    [Fact]
    public void The_sentence_has_the_numbers()
    {
        BlockVerdict decided = Judge(Latency(1.03), MetricBlocks.Once("memory", 100e6, 104e6, 0.10), Absent("energy", required: false));

        Assert.Equal(
            "pass: latency ratio 1.030 [1.026, 1.034] over 12 blocks at level 0.0221, margin 1.050: pass; "
            + "memory ratio 1.040, read once, margin 1.100: pass; energy is absent: no meter (not required)",
            decided.Sentence);
    }

    [Theory]
    [InlineData(12, Verdict.Inconclusive, true)]
    [InlineData(20, Verdict.Inconclusive, true)]
    [InlineData(30, Verdict.Inconclusive, false)]
    public void What_is_open_goes_on_until_the_last_look(int blocks, Verdict verdict, bool goOn)
    {
        BlockVerdict decided = Judge(blocks, Latency(1.05, blocks));

        Assert.Equal((verdict, goOn), (decided.Verdict, decided.GoOn));
        Assert.False(Judge(blocks, Latency(1.00, blocks)).GoOn);
        Assert.False(Judge(blocks, Latency(1.50, blocks)).GoOn);
    }

    [Theory, InlineData(11, true), InlineData(13, true), InlineData(31, false)]
    public void Between_looks_nothing_is_decided_but_the_interval_is_told(int blocks, bool goOn)
    {
        foreach (double ratio in new[] { 0.5, 1.5 })
        {
            BlockVerdict decided = Judge(blocks, Latency(ratio, blocks));
            Assert.Equal((Verdict.Inconclusive, goOn), (decided.Verdict, decided.GoOn));
            Assert.Equal(ratio, decided.Primary.Ratio!.Value, 9);
            Assert.Contains("no planned look", decided.Sentence, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_protocol_of_its_own_length_is_judged_once_at_the_whole_level()
    {
        double[] blocks = Around(1.0, 6);
        BlockVerdict decided = BlockVerdict.Of(GroupSequential.OneLook(6).At(6), [MetricBlocks.Measured("latency", blocks, Margin)], Soundness.Sound);

        Assert.Equal(Verdict.Pass, decided.Verdict);
        Assert.Equal(Math.Exp(PairedEstimate.Of(blocks, 0.05)!.Upper!.Value), decided.Primary.High);
        Assert.False(BlockVerdict.Of(GroupSequential.OneLook(6).At(6), [Latency(1.05, 6)], Soundness.Sound).GoOn);
    }

    [Theory]
    [InlineData(1.0, 1.0, Verdict.Pass)]
    [InlineData(1.0, 1.05, Verdict.Inconclusive)]
    [InlineData(1.05, 1.0, Verdict.Inconclusive)]
    [InlineData(1.0, 1.5, Verdict.Fail)]
    [InlineData(1.05, 1.5, Verdict.Fail)]
    [InlineData(1.5, 1.0, Verdict.Fail)]
    public void All_required_metrics_must_pass_and_one_that_fails_is_enough(double latency, double energy, Verdict verdict)
    {
        BlockVerdict decided = Judge(Latency(latency), Metric("energy", energy));

        Assert.Equal(verdict, decided.Verdict);
        Assert.Equal(verdict == Verdict.Inconclusive, decided.GoOn);
    }

    [Fact]
    public void The_difference_is_that_of_the_first_metric()
    {
        BlockVerdict decided = Judge(Latency(0.5), Metric("energy", 1.03));

        Assert.Equal(Difference.Faster, decided.Difference);
        Assert.Equal([Difference.Faster, Difference.Slower], decided.Metrics.Select(metric => metric.Difference));
    }

    [Fact]
    public void What_is_missing_is_never_a_pass()
    {
        BlockVerdict decided = Judge(Latency(0.5), Absent("energy", required: true));

        Assert.Equal(Verdict.Inconclusive, decided.Verdict);
        Assert.Contains("energy is absent: no meter", decided.Sentence, StringComparison.Ordinal);
        Assert.False(decided.GoOn); // no number of blocks brings a meter
        Assert.False(Judge(Latency(0.5), Absent("energy", required: true), Metric("memory", 1.05, required: false)).GoOn);
        Assert.Equal(Verdict.Fail, Judge(Latency(1.5), Absent("energy", required: true)).Verdict);

        BlockVerdict none = BlockVerdict.Of(GroupSequential.Standard.At(0), [MetricBlocks.Measured("latency", [], Margin)], Soundness.Sound);
        Assert.Equal((Verdict.Inconclusive, true), (none.Verdict, none.GoOn));
        Assert.Null(none.Primary.Ratio);

        BlockVerdict noLatency = BlockVerdict.Of(GroupSequential.Standard.At(0), [Absent("latency", required: true), MetricBlocks.Once("memory", 1, 1, 0.1)], Soundness.Sound);
        Assert.Equal(Verdict.Inconclusive, noLatency.Verdict);
    }

    [Fact]
    public void A_metric_that_is_not_required_can_fail_but_not_hold_up()
    {
        Assert.Equal((Verdict.Pass, false), Outcome(Judge(Latency(1), Absent("energy", required: false))));
        Assert.Equal((Verdict.Pass, false), Outcome(Judge(Latency(1), Metric("energy", 1.05, required: false))));
        Assert.Equal((Verdict.Fail, false), Outcome(Judge(Latency(1), Metric("energy", 1.5, required: false))));
        Assert.Equal((Verdict.Inconclusive, true), Outcome(Judge(Latency(1.05), Metric("energy", 0.5, required: false))));
    }

    [Theory]
    [InlineData(105e6, Verdict.Pass), InlineData(110e6, Verdict.Pass), InlineData(110.2e6, Verdict.Fail), InlineData(50e6, Verdict.Pass)]
    public void What_is_read_once_is_judged_by_its_ratio(double bytes, Verdict verdict)
    {
        BlockVerdict decided = Judge(Latency(0.5), MetricBlocks.Once("memory", 100e6, bytes, 0.10));

        Assert.Equal((verdict, false), Outcome(decided));
        Assert.Equal((null, null, Difference.None), (decided.Metrics[1].Low, decided.Metrics[1].High, decided.Metrics[1].Difference));
    }

    [Theory]
    [InlineData("the last 3 windows lie within 8.0 %", null), InlineData(null, "7 of 20 cells invalid: throttled"), InlineData("a", "b")]
    public void A_run_that_is_not_sound_decides_nothing_and_does_not_go_on(string? notSteady, string? unstable)
    {
        foreach (double ratio in new[] { 0.5, 1.05, 1.5 })
        {
            BlockVerdict decided = BlockVerdict.Of(GroupSequential.Standard.At(12), [Latency(ratio)], new Soundness(notSteady, unstable));

            Assert.Equal((Verdict.Inconclusive, false), Outcome(decided));
            Assert.Contains(notSteady ?? "", decided.Sentence, StringComparison.Ordinal);
            Assert.Contains(unstable ?? "", decided.Sentence, StringComparison.Ordinal);
            Assert.Equal(ratio, decided.Primary.Ratio!.Value, 9);
        }
    }

    [Fact]
    public void Too_much_memory_fails_also_where_no_block_could_be_measured()
    {
        MetricBlocks[] metrics = [MetricBlocks.Measured("latency", [], 0.05), MetricBlocks.Once("memory", 100e6, 360e6, 0.10)];
        BlockVerdict decided = BlockVerdict.Of(GroupSequential.Standard.At(0), metrics, new Soundness(null, "10 of 10 blocks were disturbed"));
        Assert.Equal((Verdict.Fail, false), Outcome(decided));
        Assert.Contains("memory ratio 3.600", decided.Sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("no planned look", decided.Sentence, StringComparison.Ordinal);

        metrics[1] = MetricBlocks.Once("memory", 100e6, 100e6, 0.10);
        Assert.Equal(Verdict.Inconclusive, BlockVerdict.Of(GroupSequential.Standard.At(0), metrics, new Soundness(null, "10 of 10 blocks were disturbed")).Verdict);
    }

    [Fact]
    public void A_gain_can_be_demanded()
    {
        Assert.Equal(Verdict.Pass, Judge(MetricBlocks.Measured("latency", Around(0.85), -0.10)).Verdict);
        Assert.Equal(Verdict.Inconclusive, Judge(MetricBlocks.Measured("latency", Around(0.90), -0.10)).Verdict);
        Assert.Equal(Verdict.Fail, Judge(MetricBlocks.Measured("latency", Around(0.95), -0.10)).Verdict);
    }

    [Fact]
    public void A_metric_with_fewer_valid_blocks_is_judged_by_those()
    {
        BlockVerdict decided = Judge(Latency(1), MetricBlocks.Measured("energy", Around(1.0)[..4], Margin));
        Assert.Contains("over 4 blocks", decided.Sentence, StringComparison.Ordinal);

        BlockVerdict one = Judge(Latency(1), MetricBlocks.Measured("energy", [0.0], Margin));
        Assert.Equal((Verdict.Inconclusive, true), Outcome(one));
        Assert.Contains("energy ratio 1.000 of one block has no interval", one.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void One_wild_block_makes_it_inconclusive_and_not_a_fail()
    {
        double[] blocks = Around(1.0);
        blocks[7] = Math.Log(50);

        Assert.Equal((Verdict.Inconclusive, true), Outcome(Judge(MetricBlocks.Measured("latency", blocks, Margin))));
    }

    [Theory, InlineData(double.NaN), InlineData(double.PositiveInfinity), InlineData(double.NegativeInfinity)]
    public void What_is_not_finite_is_refused(double bad)
    {
        Assert.Contains("block 1", Assert.Throws<ArgumentException>(() => MetricBlocks.Measured("latency", [0, bad], Margin)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => MetricBlocks.Measured("latency", [0], bad));
        Assert.Throws<ArgumentException>(() => MetricBlocks.Once("memory", 1, bad, Margin));
        Assert.Throws<ArgumentException>(() => MetricBlocks.Once("memory", bad, 1, Margin));
    }

    [Fact]
    public void What_makes_no_sense_is_refused()
    {
        Assert.Throws<ArgumentException>(() => MetricBlocks.Measured("latency", [], -1));
        Assert.Throws<ArgumentException>(() => MetricBlocks.Once("memory", 0, 1, Margin));
        Assert.Throws<ArgumentException>(() => MetricBlocks.Absent("energy", " ", Margin, required: true));
        Assert.Throws<ArgumentException>(() => Judge());
        Assert.Throws<ArgumentException>(() => Judge(Absent("energy", required: false)));
        Assert.Throws<ArgumentException>(() => Judge(Latency(1), Latency(1)));
        Assert.Throws<ArgumentException>(() => Judge(Latency(1, 11)));
        Assert.Throws<ArgumentException>(() => Judge(Latency(1), MetricBlocks.Measured("energy", Around(1, 13), Margin)));
        Assert.Throws<ArgumentException>(() => Judge(MetricBlocks.Measured("latency", [.. Enumerable.Repeat(1e4, 12)], Margin)));
    }

    private static (Verdict Verdict, bool GoOn) Outcome(BlockVerdict decided) => (decided.Verdict, decided.GoOn);

    private static BlockVerdict Judge(params MetricBlocks[] metrics) => Judge(12, metrics);

    private static BlockVerdict Judge(int blocks, params MetricBlocks[] metrics) => BlockVerdict.Of(GroupSequential.Standard.At(blocks), metrics, Soundness.Sound);

    private static MetricBlocks Latency(double ratio, int blocks = 12) => MetricBlocks.Measured("latency", Around(ratio, blocks), Margin);

    private static MetricBlocks Metric(string name, double ratio, bool required = true) => MetricBlocks.Measured(name, Around(ratio), Margin, required);

    private static MetricBlocks Absent(string name, bool required) => MetricBlocks.Absent(name, "no meter", Margin, required);

    /// <summary>Blocks evenly within 0.9 % around a ratio, with a standard deviation of 0.54 %.</summary>
    private static double[] Around(double ratio, int blocks = 12) =>
        [.. Enumerable.Range(0, blocks).Select(i => Math.Log(ratio) + ((i - ((blocks - 1) / 2.0)) * 0.018 / blocks))];
}

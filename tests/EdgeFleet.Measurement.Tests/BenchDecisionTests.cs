using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Tests;

public sealed class BenchDecisionTests
{
    private static readonly Reading s_memory = Reading.Measured(100e6, "bytes", "test");

    [Theory]
    [InlineData(0.50, "pass", "faster")]
    [InlineData(1.00, "pass", "none")]
    [InlineData(1.03, "pass", "slower")]
    [InlineData(1.05, "inconclusive", "slower")]
    [InlineData(1.08, "fail", "slower")]
    public void The_whole_interval_decides_against_the_margin(double ratio, string verdict, string difference)
    {
        BenchDecision decision = BenchDecision.Of(Around(ratio), s_memory, s_memory, latencyMargin: 0.05, memoryMargin: 0.10);

        Assert.Equal((verdict, difference), (decision.Verdict, decision.Difference));
        Assert.Equal(ratio, decision.Ratio!.Value, 3);
        Assert.True(decision.Low < decision.Ratio && decision.Ratio < decision.High);
    }

    [Theory, InlineData(105e6, "pass"), InlineData(110e6, "pass"), InlineData(111e6, "fail")]
    public void Peak_memory_beyond_its_margin_fails_whatever_the_latency(double bytes, string verdict) => Assert.Equal(
        verdict,
        BenchDecision.Of(Around(0.5), s_memory, Reading.Measured(bytes, "bytes", "test"), 0.05, 0.10).Verdict);

    [Fact]
    public void What_is_missing_is_never_a_pass()
    {
        BenchDecision noMemory = BenchDecision.Of(Around(0.5), s_memory, Reading.Absent("clear_refs cannot be written"), 0.05, 0.10);
        Assert.Equal(BenchDecision.Inconclusive, noMemory.Verdict);
        Assert.Contains("clear_refs cannot be written", noMemory.Reason, StringComparison.Ordinal);
        Assert.Equal(BenchDecision.Fail, BenchDecision.Of(Around(2), s_memory, Reading.Absent("gone"), 0.05, 0.10).Verdict);

        Assert.Equal(BenchDecision.Inconclusive, BenchDecision.Of([], s_memory, s_memory, 0.05, 0.10).Verdict);
        BenchDecision few = BenchDecision.Of([0, 0, 0, 0, 0], s_memory, s_memory, 0.05, 0.10);
        Assert.Equal((BenchDecision.Inconclusive, null), (few.Verdict, few.Low));
        Assert.Contains("5 blocks are too few", few.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_wild_block_does_not_move_the_verdict()
    {
        double[] blocks = Around(1.0);
        blocks[7] = Math.Log(50);
        Assert.Equal("pass", BenchDecision.Of(blocks, s_memory, s_memory, 0.05, 0.10).Verdict);
    }

    /// <summary>Twelve blocks within 1 % of a ratio.</summary>
    private static double[] Around(double ratio) => [.. Enumerable.Range(0, 12).Select(i => Math.Log(ratio) + ((i - 5.5) * 0.01 / 6))];
}

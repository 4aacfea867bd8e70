using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class ClockCheckTests
{
    private static readonly ClockCheck s_clock = new(ResolutionNanos: 1, CostNanos: 25);

    [Theory]
    [InlineData(6_400, 4)] // 25 µs are needed
    [InlineData(25_000, 1)]
    [InlineData(24_999, 2)]
    [InlineData(1_000_000, 1)]
    public void A_sample_is_a_thousand_times_longer_than_what_timing_it_costs(double inferenceNanos, int batch) =>
        Assert.Equal(batch, s_clock.BatchFor(inferenceNanos, cellNanos: 100e6, capacity: 1 << 15));

    [Fact]
    public void The_samples_of_a_long_cell_fit_into_the_memory_taken_for_them()
    {
        int batch = s_clock.BatchFor(25_000, cellNanos: 2.5e9, capacity: 1000);
        Assert.True(2.5e9 / 25_000 / batch < 1000);
    }

    [Fact]
    public void This_machine_s_clock_counts_and_costs_something()
    {
        ClockCheck clock = ClockCheck.Run();
        Assert.True(clock is { ResolutionNanos: > 0, CostNanos: > 0 });
    }
}

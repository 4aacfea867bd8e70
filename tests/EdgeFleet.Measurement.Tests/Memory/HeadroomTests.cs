using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Memory;

namespace EdgeFleet.Measurement.Tests.Memory;

public sealed class HeadroomTests
{
    [Theory]
    [InlineData(1000, 1150, HeadroomState.Enough)]
    [InlineData(1000, 1149, HeadroomState.TooLittle)]
    [InlineData(0, 0, HeadroomState.Enough)]
    public void What_is_available_has_to_cover_what_is_needed_and_fifteen_per_cent(long needed, double available, HeadroomState state) =>
        Assert.Equal(state, Headroom.Of(Reading.Measured(available, "bytes", "test"), needed).State);

    [Fact]
    public void The_sentence_says_what_there_is_and_what_is_needed() => Assert.Equal(
        "100.0 MiB are available, too little for 96.0 MiB and 15 % (110.4 MiB)",
        Headroom.Of(Reading.Measured(100 << 20, "bytes", "test"), 96 << 20).Reason);

    [Fact]
    public void A_device_that_does_not_say_what_it_has_is_never_taken_for_one_that_has_enough()
    {
        Headroom headroom = Headroom.Of(Reading.Absent("/proc/meminfo has no MemAvailable"), 0);

        Assert.Equal(HeadroomState.Unknown, headroom.State);
        Assert.Contains("has no MemAvailable", headroom.Reason, StringComparison.Ordinal);
    }
}

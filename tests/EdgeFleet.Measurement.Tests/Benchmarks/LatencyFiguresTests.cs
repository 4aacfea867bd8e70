using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class LatencyFiguresTests
{
    [Fact]
    public void Where_no_inference_was_timed_nothing_is_zero_microseconds()
    {
        LatencySummary none = LatencyFigures.Of(MeasuredModel.Candidate, [], []);
        Assert.Equal((0, null, null), (none.Inferences, none.MeanMicros, none.MaxMicros));
        Assert.Equal("no inference was timed", none.P50.Reason);

        LatencySummary some = LatencyFigures.Of(MeasuredModel.Candidate, [], [1000, 3000]);
        Assert.Equal((2.0, 3.0), (some.MeanMicros, some.MaxMicros));
    }
}

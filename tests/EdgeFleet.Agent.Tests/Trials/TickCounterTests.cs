using System.Diagnostics;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class TickCounterTests
{
    private static readonly long s_micro = Stopwatch.Frequency / 1_000_000;

    [Fact]
    public void A_tick_holds_counts_and_ratios_of_its_pairs_and_then_begins_anew()
    {
        TickCounter counter = new();
        counter.Add(Pair(100, 200));
        counter.Add(Pair(100, 100, disagrees: true));
        counter.Add(Pair(100, 50, nonFinite: true, wrongShape: true));
        counter.Add(Failed(PairState.CandidateFailed));
        counter.Add(Failed(PairState.BaselineFailed));
        counter.AddNoise(Pair(100, 200, disagrees: true), swap: false);
        counter.AddNoise(Pair(100, 400), swap: true);
        counter.Drop("rate", 5);
        counter.Drop("ring", 0);

        ShadowTick tick = counter.Finish(7, DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(60), peakBytes: 123, outOfMemory: false);

        Assert.Equal((7, 60_000, 3, 1), (tick.Tick, tick.DurationMs, tick.Pairs, tick.Disagreements));
        Assert.Equal(0, tick.MeanLogLatencyRatio!.Value, 10); // ln 2 + 0 - ln 2
        Assert.Equal(0, tick.MedianLogLatencyRatio!.Value, 10);
        Assert.Equal((2, 1), (tick.NoisePairs, tick.NoiseDisagreements));
        Assert.Equal((Math.Log(2) - Math.Log(4)) / 2, tick.NoiseMeanLogLatencyRatio!.Value, 10);
        Assert.Equal((1, 1, 1), (tick.CandidateNonFinite, tick.CandidateWrongShape, tick.CandidateFailures));
        Assert.Equal((100, 100, 200), (tick.BaselineP50Micros, tick.CandidateP50Micros, tick.CandidateP95Micros));
        Assert.Equal(new Dictionary<string, int> { ["baselineFailed"] = 1, ["rate"] = 5 }, tick.Dropped);

        ShadowTick empty = counter.Finish(8, DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(60), peakBytes: 0, outOfMemory: true);
        Assert.Equal((0, 0, 0, true), (empty.Pairs, empty.NoisePairs, empty.CandidateFailures, empty.OutOfMemory));
        Assert.Null(empty.MeanLogLatencyRatio); // absent, not zero
        Assert.Null(empty.NoiseMeanLogLatencyRatio);
        Assert.Empty(empty.Dropped);
    }

    [Fact]
    public void A_bucket_lets_the_rate_through_and_no_more()
    {
        ManualTimeProvider time = new();
        TokenBucket bucket = new(perSecond: 2, time);
        int taken = 0;
        for (int tenth = 0; tenth < 100; tenth++)
        {
            taken += bucket.TryTake() ? 1 : 0;
            time.Advance(TimeSpan.FromMilliseconds(100));
        }
        Assert.InRange(taken, 20, 22); // ten seconds at two, and the first burst
    }

    [Fact]
    public void A_slow_bucket_begins_with_one()
    {
        ManualTimeProvider time = new();
        TokenBucket bucket = new(perSecond: 0.1, time);
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(bucket.TryTake());
    }

    private static PairOutcome Pair(int baselineMicros, int candidateMicros, bool disagrees = false, bool nonFinite = false, bool wrongShape = false) =>
        new(PairState.Compared, disagrees, nonFinite, wrongShape, baselineMicros * s_micro, candidateMicros * s_micro);

    private static PairOutcome Failed(PairState state) => new(state, false, false, false, 0, 0);
}

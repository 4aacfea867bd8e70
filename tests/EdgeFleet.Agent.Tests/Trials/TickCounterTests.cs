using System.Diagnostics;
using System.Text.Json;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Statistics.Sketches;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class TickCounterTests
{
    private static readonly long s_micro = Stopwatch.Frequency / 1_000_000;

    [Fact]
    public void A_tick_holds_counts_and_ratios_of_its_pairs_and_then_begins_anew()
    {
        TickCounter counter = NewCounter();
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
    public void Slow_requests_are_told_against_a_threshold_of_earlier_ticks_and_only_once_there_is_one()
    {
        TickCounter counter = NewCounter();
        for (int i = 0; i < 199; i++)
        {
            counter.Add(Pair(100, 100));
        }
        Assert.Null(Finish(counter).Tails);
        counter.Add(Pair(100, 100)); // the two hundredth
        Assert.Null(Finish(counter).Tails);

        counter.Add(Pair(100, 105)); // within the margin of 10 %
        counter.Add(Pair(100, 150));
        counter.Add(Pair(150, 100));
        counter.Add(Pair(150, 150));
        counter.Add(Pair(100, 120));
        TailExceedances p95 = Assert.Single(Finish(counter).Tails!); // p99 needs a thousand
        Assert.Equal((0.95, 0.10, 2, 1, 5), (p95.Quantile, p95.Margin, p95.Worse, p95.Better, p95.Pairs));
        Assert.InRange(p95.ThresholdMicros, 99, 101);

        Assert.Null(Finish(counter).Tails); // a tick without pairs says nothing
        counter.Add(Pair(100, 150));
        Assert.Equal((1, 0, 1), Finish(counter).Tails![0] is var again ? (again.Worse, again.Better, again.Pairs) : default);
    }

    [Fact]
    public void Durations_merge_over_ticks_to_what_one_tick_would_have_told()
    {
        int[] micros = [80, 100, 100, 250, 9000];
        TickCounter one = NewCounter(), two = NewCounter();
        LatencySketch merged = new();
        foreach (int[] part in new[] { micros[..2], micros[2..] })
        {
            foreach (int each in part)
            {
                one.Add(Pair(each, each));
            }
            merged.Merge(Sketch(Finish(one).BaselineLatency!));
        }
        foreach (int each in micros)
        {
            two.Add(Pair(each, each));
        }

        Assert.Equal(merged, Sketch(Finish(two).CandidateLatency!));
        Assert.InRange(merged.Quantile(1)!.Value, 8910, 9090); // 1 %
        Assert.Null(Finish(one).BaselineLatency); // absent without pairs
    }

    [Fact]
    public void A_tick_with_too_many_bins_keeps_the_slow_ones_and_every_count()
    {
        List<SketchBin> bins = [.. Enumerable.Range(-200, 900).Select(i => new SketchBin(i, 2))];
        LatencyBins bounded = LatencyCounter.Bounded(bins);
        Assert.Equal((256, 1800L, 699), (bounded.Index.Count, bounded.Count.Sum(), bounded.Index[^1]));
        Assert.Equal(2 * (900 - 255), bounded.Count[0]);
    }

    [Fact]
    public void A_small_slice_waits_until_it_may_be_told_and_the_rest_is_other()
    {
        TickCounter counter = NewCounter(SliceList.Of([("camera", ["front", "rear"]), ("site", ["lab"])]));
        for (int i = 0; i < 19; i++)
        {
            counter.Add(Pair(100, 100, disagrees: i == 0), slices: [0, -1]);
        }
        Assert.Null(Finish(counter).Slices);

        counter.Add(Pair(100, 100), slices: [0, -1]);
        counter.Add(Pair(100, 100), slices: [1, 0]);
        counter.Add(Pair(100, 100));
        Assert.Equal(
            [new SliceCounts { Name = "site", Value = "other", Pairs = 21, Disagreements = 1 }, new SliceCounts { Name = "camera", Value = "front", Pairs = 20, Disagreements = 1 }],
            Finish(counter).Slices!);
        Assert.Null(Finish(counter).Slices);
    }

    [Fact]
    public void Labels_of_a_slice_wait_like_its_pairs()
    {
        TickCounter counter = NewCounter(SliceList.Of([("camera", ["front"])]));
        for (int i = 0; i < 25; i++)
        {
            counter.Add(Answered(baseline: 0, candidate: i < 5 ? 1 : 0), $"r{i}", [0]);
            if (i < 19)
            {
                counter.AddLabel(new PostedLabel($"r{i}", [0]));
            }
        }
        ShadowTick first = Finish(counter);
        Assert.Equal((25, 5, 0, 0), Assert.Single(first.Slices!) is var told ? (told.Pairs, told.Disagreements, told.Labelled, told.Lost) : default);
        Assert.Equal((14, 5), (first.Labels!.BothRight, first.Labels.Lost)); // the whole is not a small cell

        counter.AddLabel(new PostedLabel("r19", [1]));
        Assert.Equal((0, 0, 20, 5), Assert.Single(Finish(counter).Slices!) is var labelled ? (labelled.Pairs, labelled.Disagreements, labelled.Labelled, labelled.Lost) : default);
    }

    [Fact]
    public void The_largest_tick_that_a_device_makes_is_taken_by_the_controller()
    {
        int[] scores = [.. Enumerable.Repeat(36_000_000, ShadowTick.ScoreBins)], top1 = [.. Enumerable.Repeat(36_000_000, ShadowTick.Top1Classes)];
        double[] sums = [.. Enumerable.Repeat(1_234_567.123_456_789, ShadowTick.ScoreBins)];
        LatencyBins bins = LatencyCounter.Bounded([.. Enumerable.Range(1000, 500).Select(i => new SketchBin(i, 100_000))]);
        CalibrationBins calibration = new(scores, scores, sums);
        Dictionary<string, int> dropped = new[] { "rate", "ring", "taxed", "heat", "memory", "battery", "baselineFailed", "runnerAway" }.ToDictionary(reason => reason, _ => 36_000_000);
        ShadowTick largest = Finish(NewCounter()) with
        {
            Tick = 100_000, DurationMs = 3_600_000, Pairs = 36_000_000, Dropped = dropped,
            BaselineLatency = bins, CandidateLatency = bins,
            BaselineScores = scores, CandidateScores = scores, NoiseScores = scores, BaselineTop1 = top1, CandidateTop1 = top1, NoiseTop1 = top1,
            Labels = new LabelCounts
            {
                BothRight = 36_000_000, BothWrong = 36_000_000, Lost = 36_000_000, Gained = 36_000_000, BrierCount = 36_000_000,
                BaselineCalibration = calibration, CandidateCalibration = calibration, Dropped = dropped,
            },
            Slices = [.. Enumerable.Range(0, SliceCounts.Maximum).Select(i => new SliceCounts
            {
                Name = new string('n', 32), Value = new string('v', 32), Pairs = 36_000_000, Disagreements = 36_000_000, Lost = 36_000_000, Gained = 36_000_000, Labelled = 72_000_000,
            })],
        };
        Assert.Null(largest.FirstProblem());
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(largest, EvidenceJsonContext.Default.ShadowTick).Length, 10_000, ShadowTick.MaximumBytes);
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

    /// <summary>An answer of three classes; both models are sure of theirs.</summary>
    private static PairOutcome Answered(int baseline, int candidate) =>
        Pair(100, 100, disagrees: baseline != candidate) with { Baseline = Sure(baseline), Candidate = Sure(candidate) };

    private static AnswerRows Sure(int label)
    {
        float[] scores = new float[3];
        scores[label] = 1;
        return AnswerRows.Of(Tensor.Of("y", [1, 3], scores), probabilities: true)!;
    }

    private static TickCounter NewCounter(SliceList? slices = null) => new(0.10, 0.15, slices ?? SliceList.None, TimeProvider.System);

    private static ShadowTick Finish(TickCounter counter) => counter.Finish(1, DateTimeOffset.UnixEpoch, TimeSpan.FromSeconds(60), peakBytes: 1, outOfMemory: false);

    private static LatencySketch Sketch(LatencyBins bins) => LatencySketch.FromBins(bins.Index.Zip(bins.Count, (index, count) => new SketchBin(index, count)));

    private static PairOutcome Failed(PairState state) => new(state, false, false, false, 0, 0);
}

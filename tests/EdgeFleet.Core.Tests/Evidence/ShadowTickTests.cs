using System.Text.Json;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Core.Tests.Evidence;

public sealed class ShadowTickTests
{
    private static readonly int[] s_bins = new int[ShadowTick.ScoreBins];
    private static readonly double[] s_sums = new double[ShadowTick.ScoreBins];

    private static ShadowTick Full => new()
    {
        Tick = 3,
        StartedAt = DateTimeOffset.UnixEpoch,
        DurationMs = 60_000,
        Pairs = 40,
        Disagreements = 2,
        BaselineLatency = new LatencyBins([10, 12], [30, 10]),
        CandidateLatency = new LatencyBins([11], [40]),
        Tails = [new TailExceedances { Quantile = 0.95, ThresholdMicros = 120, Margin = 0.1, Worse = 2, Better = 1, Pairs = 40 }],
        Labels = new LabelCounts { BothRight = 5, BothWrong = 1, Lost = 2, Gained = 0, BrierDifferenceSum = 0.5, BrierCount = 8, BaselineCalibration = new CalibrationBins(s_bins, s_bins, s_sums) },
        BaselineScores = s_bins,
        BaselineTop1 = [20, 20],
        Slices = [new SliceCounts { Name = "camera", Value = "front", Pairs = 20, Disagreements = 1 }],
        Arms = new RequestArms(5, new ArmCounts { Requests = 95 }, new ArmCounts { Requests = 5, Timed = 5, LogMicros = 31 }),
    };

    [Fact]
    public void A_tick_comes_back_from_json_as_it_was()
    {
        string json = JsonSerializer.Serialize(Full, EvidenceJsonContext.Default.ShadowTick);
        ShadowTick back = JsonSerializer.Deserialize(json, EvidenceJsonContext.Default.ShadowTick)!;
        Assert.Equal(json, JsonSerializer.Serialize(back, EvidenceJsonContext.Default.ShadowTick));
        Assert.Contains("""
            "baselineLatency":{"index":[10,12],"count":[30,10]}
            """.Trim(), json, StringComparison.Ordinal);
        Assert.Null(back.FirstProblem());
    }

    [Fact]
    public void A_tick_of_an_older_device_is_read_and_what_it_does_not_say_is_absent()
    {
        ShadowTick old = JsonSerializer.Deserialize(
            """{"schemaVersion":1,"tick":1,"startedAt":"2026-11-20T12:00:00+00:00","durationMs":60000,"pairs":5,"disagreements":1}""",
            EvidenceJsonContext.Default.ShadowTick)!;
        Assert.Null(old.FirstProblem());
        Assert.Null(old.BaselineLatency ?? (object?)old.Tails ?? old.Labels ?? (object?)old.BaselineScores ?? old.Slices);
        Assert.Empty(old.Dropped);
    }

    public static TheoryData<string, ShadowTick> Broken => new()
    {
        { "arms: 5 %, -1 requests", Full with { Arms = Full.Arms! with { Baseline = new ArmCounts { Requests = -1 } } } },
        { "arms: 101 %", Full with { Arms = Full.Arms! with { Percent = 101 } } },
        { "arms: 5 %, 95 requests", Full with { Arms = Full.Arms! with { Candidate = new ArmCounts { Requests = 1, LogMicros = double.NaN } } } },
        { "arms: 5 %,  requests", Full with { Arms = Full.Arms! with { Baseline = null! } } },
        { "3 disagreements in 2 pairs", Full with { Pairs = 2, Disagreements = 3 } },
        { "baselineLatency: 2 bins with 1 counts", Full with { BaselineLatency = new LatencyBins([1, 2], [1]) } },
        { "baselineLatency: bin 1 with 1", Full with { BaselineLatency = new LatencyBins([2, 1], [1, 1]) } },
        { "candidateLatency: bin 2 with 0", Full with { CandidateLatency = new LatencyBins([2], [0]) } },
        { "candidateLatency: bin 99999", Full with { CandidateLatency = new LatencyBins([99_999], [1]) } },
        { "candidateLatency:  bins", Full with { CandidateLatency = new LatencyBins(null!, null!) } },
        { "tails: 1", Full with { Tails = [Full.Tails![0] with { Worse = 50 }] } },
        { "tails: 1", Full with { Tails = [Full.Tails![0] with { Quantile = 0.5 }] } },
        { "tails: 1", Full with { Tails = [Full.Tails![0] with { Pairs = -1, Worse = 0, Better = 0 }] } },
        { "tails: 2", Full with { Tails = [Full.Tails![0], Full.Tails![0]] } },
        { "tails: 1", Full with { Tails = [null!] } },
        { "labels: 9 of 8 rows", Full with { Labels = Full.Labels! with { BrierCount = 9 } } },
        { "labels: 8 of 8 rows", Full with { Labels = Full.Labels! with { BrierDifferenceSum = 8.5 } } },
        { "labels: 8 of -1 rows", Full with { Labels = Full.Labels! with { BothRight = -4 } } },
        { "labels.dropped: 1 reasons", Full with { Labels = Full.Labels! with { Dropped = new Dictionary<string, int> { ["late"] = -1 } } } },
        { "candidateCalibration: bin 0", Full with { Labels = Full.Labels! with { CandidateCalibration = new CalibrationBins(s_bins, [1, .. s_bins[1..]], s_sums) } } },
        { "candidateCalibration.confidence: 1 places", Full with { Labels = Full.Labels! with { CandidateCalibration = new CalibrationBins(s_bins, s_bins, [1]) } } },
        { "noiseScores: 3 places; expected 20", Full with { NoiseScores = [1, 2, 3] } },
        { "noiseTop1: 65 places; expected at most 64", Full with { NoiseTop1 = new int[65] } },
        { "candidateTop1: a count is below 0", Full with { CandidateTop1 = [-1] } },
        { "slices: 1", Full with { Slices = [Full.Slices![0] with { Disagreements = 21 }] } },
        { "slices: 1", Full with { Slices = [Full.Slices![0] with { Lost = 2, Labelled = 1 }] } },
        { "slices: 1", Full with { Slices = [Full.Slices![0] with { Value = "<b>" }] } },
        { "slices: 33", Full with { Slices = [.. Enumerable.Repeat(Full.Slices![0], 33)] } },
    };

    [Theory, MemberData(nameof(Broken))]
    public void A_tick_that_cannot_be_is_named_before_anything_is_computed_from_it(string expected, ShadowTick tick) =>
        Assert.StartsWith(expected, tick.FirstProblem()?.Replace("labels.candidate", "candidate", StringComparison.Ordinal), StringComparison.Ordinal);
}

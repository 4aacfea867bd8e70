namespace EdgeFleet.Core.Evidence;

/// <summary>
/// One tick of shadow comparison on one device: counts and sums, never inputs. The controller recomputes every e-value
/// from these; they are mergeable and idempotent by (device, rollout, attempt, tick).
/// </summary>
public sealed record ShadowTick
{
    public const int CurrentSchemaVersion = 1;

    public const int ScoreBins = 20;
    /// <summary>
    /// No tick is larger: bins, slices and classes are bounded. One of a minute has two to four kilobytes.
    /// </summary>
    public const int MaximumBytes = 24 << 10;
    public const int Top1Classes = 64;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required long Tick { get; init; }
    public required DateTimeOffset StartedAt { get; init; }
    public required int DurationMs { get; init; }
    /// <summary>Inputs on which both models ran.</summary>
    public required int Pairs { get; init; }
    /// <summary>Pairs whose top-1 labels differ.</summary>
    public required int Disagreements { get; init; }
    /// <summary>Inputs on which the baseline ran twice, and how often it disagreed with itself.</summary>
    public int NoisePairs { get; init; }
    public int NoiseDisagreements { get; init; }
    /// <summary>Mean and median over the pairs of log(candidate time / baseline time); absent without pairs.</summary>
    public double? MeanLogLatencyRatio { get; init; }
    public double? MedianLogLatencyRatio { get; init; }
    /// <summary>The same for baseline against itself: the noise of the latency pairs.</summary>
    public double? NoiseMeanLogLatencyRatio { get; init; }
    /// <summary>Over the pairs; absent without pairs.</summary>
    public double? BaselineP50Micros { get; init; }
    public double? CandidateP50Micros { get; init; }
    public double? BaselineP95Micros { get; init; }
    public double? CandidateP95Micros { get; init; }
    public int CandidateNonFinite { get; init; }
    public int CandidateWrongShape { get; init; }
    public int CandidateFailures { get; init; }
    /// <summary>Peak of the worker that holds both models; absent where the worker died before it could say.</summary>
    public long? CandidatePeakBytes { get; init; }
    public bool OutOfMemory { get; init; }
    /// <summary>The worker died in this tick; the tick carries nothing else.</summary>
    public bool Crashed { get; init; }
    /// <summary>ln(served latency while comparing / while resting) over the last seconds of the tick; absent without traffic.</summary>
    public double? TaxLogRatio { get; init; }
    /// <summary>The shadow was stopped, for all of the tick or a part of it, because it made the served model slower than its budget.</summary>
    public bool Taxed { get; init; }
    /// <summary>Samples not compared, by one of <see cref="DropReasons"/>.</summary>
    public IReadOnlyDictionary<string, int> Dropped { get; init => field = value ?? new Dictionary<string, int>(); } = new Dictionary<string, int>(); // JSON that does not say it sets null

    // What follows came later: a device of an older version does not send it, and a controller of one skips it.

    /// <summary>Why the pairs have no latencies, one of <see cref="LatencyAbsence"/>; null where they have.</summary>
    public string? LatencyAbsent { get; init; }
    /// <summary>Microseconds of the pairs' runs; null without pairs, and where latency is absent.</summary>
    public LatencyBins? BaselineLatency { get; init; }
    public LatencyBins? CandidateLatency { get; init; }
    /// <summary>Exceedances of high quantiles; a quantile is left out until earlier ticks had enough pairs to tell its threshold.</summary>
    public IReadOnlyList<TailExceedances>? Tails { get; init; }
    /// <summary>What labels said that came in this tick; null where none came.</summary>
    public LabelCounts? Labels { get; init; }
    /// <summary>
    /// Rows by the confidence of their top-1 answer, in <see cref="ScoreBins"/> bins of equal width over [0, 1]: of the baseline and
    /// the candidate on the pairs, and of the baseline's second run on the noise pairs. Null where the first output is no row of
    /// floating-point scores, or without pairs.
    /// </summary>
    public IReadOnlyList<int>? BaselineScores { get; init; }
    public IReadOnlyList<int>? CandidateScores { get; init; }
    public IReadOnlyList<int>? NoiseScores { get; init; }
    /// <summary>
    /// Rows by their top-1 class, of the same three. One place for each class, and never more than <see cref="Top1Classes"/>: with
    /// more classes the last place holds all those that have none of their own.
    /// </summary>
    public IReadOnlyList<int>? BaselineTop1 { get; init; }
    public IReadOnlyList<int>? CandidateTop1 { get; init; }
    public IReadOnlyList<int>? NoiseTop1 { get; init; }
    /// <summary>Counts by slice; cells that are too small to be told wait for later ticks. Null where the plan names no slices or none is ready.</summary>
    public IReadOnlyList<SliceCounts>? Slices { get; init; }
    /// <summary>Null where the candidate answers no requests.</summary>
    public RequestArms? Arms { get; init; }
}

using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary>Whether the device was drained for the measurement or went on serving. The two are never compared.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BenchCondition>))]
public enum BenchCondition
{
    [JsonStringEnumMemberName("quiet")] Quiet,
    [JsonStringEnumMemberName("live")] Live,
}

/// <summary>What the benchmark worker is asked to do. Paths are absolute.</summary>
public sealed record BenchJob
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string CandidatePath { get; init; }
    /// <summary>Null measures one model alone.</summary>
    public string? BaselinePath { get; init; }
    public int IntraOpThreads { get; init; } = 1;
    /// <summary>Randomised ABBA or BAAB blocks, spread over as many pairs of sessions as their loading allows.</summary>
    public int Blocks { get; init; } = 30;
    public int BlockMs { get; init; } = 250;
    public int WarmUpMs { get; init; } = 1000;
    public ulong Seed { get; init; }
    public BenchCondition Condition { get; init; } = BenchCondition.Quiet;
    /// <summary>Host-wide lease: one benchmark at a time on a machine. Null takes none.</summary>
    public string? LeaseFile { get; init; }
    public double LatencyMargin { get; init; } = 0.05;
    public double MemoryMargin { get; init; } = 0.10;
    /// <summary>The hardware facts that go into the fingerprint.</summary>
    public string HardwareClass { get; init; } = "";
    /// <summary>Paths below /sys and /proc are read below this folder.</summary>
    public string SystemRoot { get; init; } = "/";
}

/// <summary>One model's latency over all its blocks, in microseconds.</summary>
public sealed record LatencySummary(long Inferences, double P50Micros, double P90Micros, double P95Micros, double P99Micros, double MeanMicros);

/// <summary>The outcome of one paired benchmark on one device.</summary>
public sealed record BenchEvidence
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    /// <summary><c>pass</c>: not worse than the margins; <c>fail</c>: worse with the interval wholly beyond one; else <c>inconclusive</c>.</summary>
    public required string Verdict { get; init; }
    /// <summary><c>faster</c>, <c>slower</c> or <c>none</c>: the interval of the ratio against 1.</summary>
    public required string Difference { get; init; }
    /// <summary>Candidate over baseline: the exponential of the median log ratio. Null for one model alone.</summary>
    public double? LatencyRatio { get; init; }
    public double? LatencyRatioLow { get; init; }
    public double? LatencyRatioHigh { get; init; }
    public double Confidence { get; init; } = 0.95;
    public LatencySummary? Baseline { get; init; }
    public required LatencySummary Candidate { get; init; }
    public required Reading BaselinePeakMemory { get; init; }
    public required Reading CandidatePeakMemory { get; init; }
    public required Reading BaselineLoad { get; init; }
    public required Reading CandidateLoad { get; init; }
    public required Reading Energy { get; init; }
    public required BenchCondition Condition { get; init; }
    public required int Blocks { get; init; }
    public int DiscardedBlocks { get; init; }
    /// <summary>
    /// log(candidate/baseline), one value per pair of sessions in the order measured (the median over the pair's blocks), so
    /// that the verdict can be recomputed.
    /// </summary>
    public IReadOnlyList<double> BlockLogRatios { get; init; } = [];
    public required IReadOnlyDictionary<string, string> Fingerprint { get; init; }
    public double LatencyMargin { get; init; }
    public double MemoryMargin { get; init; }
    /// <summary>Why the verdict is what it is, in one sentence with numbers.</summary>
    public required string Reason { get; init; }
    public double Seconds { get; init; }
}

namespace EdgeFleet.Core.Evidence;

/// <summary>What the shadow worker is asked to do. Paths are absolute.</summary>
public sealed record ShadowJob
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    public required string BaselinePath { get; init; }
    public required string CandidatePath { get; init; }
    /// <summary>The runner's control socket, from which samples are pulled.</summary>
    public required string ControlSocket { get; init; }
    public int IntraOpThreads { get; init; } = 1;
    public int TickMs { get; init; } = 60_000;
    public double SamplingShare { get; init; } = 0.05;
    public double NoiseShare { get; init; } = 0.10;
    public double MaxPerSecond { get; init; } = 1;
    /// <summary>The shadow rests when it makes the served model slower by more than this share.</summary>
    public double TaxBudget { get; init; } = 0.05;
    public ulong Seed { get; init; }
    /// <summary>The number of the first tick; goes on from the last one reported, so that a restart repeats none.</summary>
    public long FirstTick { get; init; }
    public long MemoryBudgetBytes { get; init; } = 1L << 30;
}

/// <summary>
/// One tick of shadow comparison on one device: counts and sums, never inputs. The controller recomputes every e-value
/// from these; they are mergeable and idempotent by (device, rollout, attempt, tick).
/// </summary>
public sealed record ShadowTick
{
    public const int CurrentSchemaVersion = 1;

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
    /// <summary>Samples not compared, by reason.</summary>
    public IReadOnlyDictionary<string, int> Dropped { get; init; } = new Dictionary<string, int>();
}

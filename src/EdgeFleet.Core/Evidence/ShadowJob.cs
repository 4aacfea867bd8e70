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
    /// <summary>Where temperature, memory and battery are read; null: the kernel's own files.</summary>
    public string? SystemRoot { get; init; }
    /// <summary>By how much more than this share the candidate's 95th and 99th percentile have to rise before a pair counts as worse.</summary>
    public double LatencyP95Margin { get; init; } = 0.10;
    public double LatencyP99Margin { get; init; } = 0.15;
    /// <summary>Request parameters by which pairs are counted apart, and the values that may leave the device.</summary>
    public SliceList Slices { get; init => field = value ?? SliceList.None; } = SliceList.None; // a stored document that does not say it sets null
}

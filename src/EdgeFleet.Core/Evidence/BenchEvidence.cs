namespace EdgeFleet.Core.Evidence;

/// <summary>
/// The outcome of one paired benchmark on one device: what <c>edgefleet bench -o json</c> prints and what a device reports.
/// </summary>
public sealed record BenchEvidence
{
    public const int CurrentSchemaVersion = 2;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    /// <summary><c>pass</c>: not worse than the margins; <c>fail</c>: worse with the interval wholly beyond one; else <c>inconclusive</c>.</summary>
    public required string Verdict { get; init; }
    /// <summary><c>faster</c>, <c>slower</c> or <c>none</c>: the interval of the latency ratio against 1.</summary>
    public required string Difference { get; init; }
    /// <summary>Why the verdict is what it is, in one sentence with numbers.</summary>
    public required string Reason { get; init; }
    /// <summary>What a reader should know before trusting a figure.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
    public required LatencyEvidence Latency { get; init; }
    public required MemoryEvidence Memory { get; init; }
    public required EnergyEvidence Energy { get; init; }
    public required CounterEvidence Counters { get; init; }
    public required ColdStartEvidence ColdStart { get; init; }
    public OutputEvidence? Outputs { get; init; }
    public EnvironmentEvidence Environment { get; init; } = new();
    public IReadOnlyList<SweepResult> Sweep { get; init; } = [];
    public required BenchCondition Condition { get; init; }
    /// <summary>Blocks that count.</summary>
    public required int Blocks { get; init; }
    /// <summary>Blocks that were measured again because something disturbed them.</summary>
    public int DiscardedBlocks { get; init; }
    /// <summary>Every block in the order measured, those that do not count among them.</summary>
    public IReadOnlyList<BlockRecord> BlockRecords { get; init; } = [];
    public RawSamples? Raw { get; init; }
    public required IReadOnlyDictionary<string, string> Fingerprint { get; init; }
    public double Seconds { get; init; }
}

/// <summary>Candidate against baseline in latency; of one model alone only its own figures.</summary>
public sealed record LatencyEvidence
{
    /// <summary>Candidate over baseline: the exponential of the mean log ratio of the blocks. Null for one model alone.</summary>
    public double? Ratio { get; init; }
    /// <summary>Two ends, or null where there is no interval.</summary>
    public IReadOnlyList<double>? Interval { get; init; }
    /// <summary>Of the interval at this look.</summary>
    public double Confidence { get; init; } = 0.95;
    public double Margin { get; init; }
    /// <summary>How often the verdict was looked at before it was given.</summary>
    public int Looks { get; init; }
    /// <summary>ln(candidate / baseline) of each block that counts, in order, so that the verdict can be computed again.</summary>
    public IReadOnlyList<double> BlockLogRatios { get; init; } = [];
    public LatencySummary? Baseline { get; init; }
    public required LatencySummary Candidate { get; init; }
}

/// <summary>One model's latency.</summary>
public sealed record LatencySummary
{
    public required long Inferences { get; init; }
    public required Percentile P50 { get; init; }
    public required Percentile P90 { get; init; }
    public required Percentile P95 { get; init; }
    public required Percentile P99 { get; init; }
    public double? MeanMicros { get; init; }
    public double? MaxMicros { get; init; }
    /// <summary>Median of the cells of all blocks: what the ratio is made of.</summary>
    public double? BlockMedianMicros { get; init; }
    /// <summary>What the first inferences after a switch from the other model took more, median; they are not counted.</summary>
    public double? SwitchMicros { get; init; }
}

/// <summary>A percentile of latency in microseconds.</summary>
public sealed record Percentile
{
    /// <summary>Null where there are too few inferences to state it; <see cref="Reason"/> says how many it takes.</summary>
    public double? Micros { get; init; }
    /// <summary>Distribution-free 95 % interval; an end that the number of inferences does not give is null.</summary>
    public IReadOnlyList<double?>? Interval { get; init; }
    /// <summary>LoadGen's early-stopping estimate: an upper bound at 99 % confidence.</summary>
    public double? EarlyStoppingMicros { get; init; }
    public string? Reason { get; init; }

    public static Percentile Of(double micros) => new() { Micros = micros };

    public static Percentile Absent(string reason) => new() { Reason = reason };
}

/// <summary>Peak memory of the two, each in a process of its own.</summary>
public sealed record MemoryEvidence
{
    public required ReadingState State { get; init; }
    public string? Reason { get; init; }
    /// <summary>Peak of the candidate's process over that of the baseline's.</summary>
    public double? Ratio { get; init; }
    public double Margin { get; init; }
    public ModelMemory? Baseline { get; init; }
    public ModelMemory? Candidate { get; init; }

    public static MemoryEvidence Absent(string reason) => new() { State = ReadingState.Absent, Reason = reason };
}

/// <summary>Memory of one model host, from before the model was loaded to the end of the blocks.</summary>
public sealed record ModelMemory
{
    /// <summary>High-water mark of resident memory over all phases, runtime included.</summary>
    public required Reading Peak { get; init; }
    public required IReadOnlyList<MemoryPhase> Phases { get; init; }
    /// <summary>Peak of the control group, where the process has one that accounts for memory.</summary>
    public required Reading ControlGroup { get; init; }
    /// <summary>Memory of an accelerator that shares the device's memory.</summary>
    public required Reading Accelerator { get; init; }
}

/// <summary>Memory in one phase (<c>process</c>, <c>load</c>, <c>first inference</c>, <c>blocks</c>), in bytes.</summary>
/// <param name="PeakBytes">High-water mark, reset when the phase began; null where the kernel does not allow the reset.</param>
/// <param name="AnonymousBytes">At the end of the phase: what must stay in memory.</param>
/// <param name="FileBytes">At its end: pages of files, weights that are mapped among them, which the kernel may drop.</param>
public sealed record MemoryPhase(string Phase, long? PeakBytes, long? AnonymousBytes, long? FileBytes, long? SharedBytes, long? SwapBytes, long MajorFaults);

/// <summary>Energy per inference of the two.</summary>
public sealed record EnergyEvidence
{
    public required ReadingState State { get; init; }
    public string? Reason { get; init; }
    public string? Source { get; init; }
    /// <summary>What is known of the meter: chip, rails, period, quantum.</summary>
    public IReadOnlyDictionary<string, string>? Meter { get; init; }
    /// <summary>Candidate over baseline in total energy per inference, over the blocks.</summary>
    public double? Ratio { get; init; }
    public IReadOnlyList<double>? Interval { get; init; }
    public double? Margin { get; init; }
    public Reading? IdlePower { get; init; }
    public ModelEnergy? Baseline { get; init; }
    public ModelEnergy? Candidate { get; init; }
    /// <summary>Meters that were not read, and why.</summary>
    public IReadOnlyList<string> Others { get; init; } = [];

    public static EnergyEvidence Absent(string reason, IReadOnlyList<string>? others = null) => new() { State = ReadingState.Absent, Reason = reason, Others = others ?? [] };
}

/// <summary>One model's energy in its cells.</summary>
public sealed record ModelEnergy
{
    /// <summary>Joules per inference, everything that the meter sees.</summary>
    public required Reading Total { get; init; }
    /// <summary>Joules per inference above idle; absent where the subtraction would be mostly error.</summary>
    public required Reading Dynamic { get; init; }
    /// <summary>One standard uncertainty of the total, in joules per inference.</summary>
    public double? Uncertainty { get; init; }
    public double? MeanWatts { get; init; }
    public long Samples { get; init; }
    public long Dropped { get; init; }
    public long Gaps { get; init; }
}

/// <summary>Processor counters per inference, from blocks of their own.</summary>
public sealed record CounterEvidence
{
    public required ReadingState State { get; init; }
    public string? Reason { get; init; }
    public IReadOnlyDictionary<string, CounterReading>? Baseline { get; init; }
    public IReadOnlyDictionary<string, CounterReading>? Candidate { get; init; }

    public static CounterEvidence Absent(string reason) => new() { State = ReadingState.Absent, Reason = reason };
}

/// <param name="State">Absent with a reason where the processor does not count it.</param>
/// <param name="PerInference">Events, user space only.</param>
/// <param name="RunningShare">How much of the time the event was really counted; below 0.95 the figure was scaled up.</param>
public sealed record CounterReading(ReadingState State, double? PerInference, double? RunningShare, string? Reason);

/// <summary>Starts in fresh processes.</summary>
public sealed record ColdStartEvidence
{
    public IReadOnlyList<ColdStart> Baseline { get; init; } = [];
    public IReadOnlyList<ColdStart> Candidate { get; init; } = [];
}

/// <summary>One start of a model in a process of its own, in milliseconds.</summary>
/// <param name="ColdPageCache">Whether the model's pages were dropped from the page cache before.</param>
public sealed record ColdStart(double ProcessMs, double LoadMs, double FirstInferenceMs, double SecondInferenceMs, bool ColdPageCache);

/// <summary>The candidate's answers against the baseline's on the same inputs.</summary>
public sealed record OutputEvidence
{
    public required int Inputs { get; init; }
    /// <summary>Largest absolute difference of an element; of an answer with more than 65,536 elements its first so many are compared.</summary>
    public double LargestDifference { get; init; }
    /// <summary>Inputs for which the largest element of every output is at the same place.</summary>
    public int SameTop { get; init; }
}

/// <summary>What the device did meanwhile.</summary>
public sealed record EnvironmentEvidence
{
    /// <summary><c>no</c>, <c>yes</c> or <c>unknown</c>.</summary>
    public string Throttled { get; init; } = "unknown";
    public IReadOnlyList<string> Causes { get; init; } = [];
    /// <summary>What could not tell whether the device was fit or slowed, and why: a <c>no</c> is as good as what is missing here.</summary>
    public IReadOnlyList<string> Unwatched { get; init; } = [];
    /// <summary>Whether the warm-up ended because its windows agreed.</summary>
    public bool Steady { get; init; }
    public string? WarmUp { get; init; }
    /// <summary>Figures of the device before and after, by name: clocks, temperatures, event counters.</summary>
    public IReadOnlyDictionary<string, BeforeAfter> Figures { get; init; } = new Dictionary<string, BeforeAfter>();
    /// <summary>What an empty timed region costs, and how finely the clock counts.</summary>
    public double TimerNanos { get; init; }
    public double TimerResolutionNanos { get; init; }
    /// <summary>Inferences of one sample in the blocks, so that the clock's own cost stays below a thousandth.</summary>
    public int BaselineBatch { get; init; } = 1;
    public int CandidateBatch { get; init; } = 1;
}

public sealed record BeforeAfter(double? Before, double? After, string Unit);

/// <summary>One block.</summary>
/// <param name="Order"><c>ABBA</c> or <c>BAAB</c>, A being the baseline; <c>BBBB</c> for one model alone.</param>
/// <param name="LogRatio">ln(candidate / baseline) of the median latencies; null for one model alone.</param>
/// <param name="Causes">Why it does not count; empty where it does.</param>
public sealed record BlockRecord(int Index, string Order, double? BaselineMicros, double CandidateMicros, double? LogRatio, double? EnergyLogRatio, IReadOnlyList<string> Causes);

/// <summary>Where the raw samples are, by reference.</summary>
public sealed record RawSamples(string Path, string Sha256, long SizeBytes);

/// <summary>One point of the coarse sweep.</summary>
public sealed record SweepResult
{
    public required SweepPoint Point { get; init; }
    /// <summary><c>baseline</c> or <c>candidate</c>.</summary>
    public required string Model { get; init; }
    public Percentile? P50 { get; init; }
    public Percentile? P99 { get; init; }
    public double? InferencesPerSecond { get; init; }
    public Reading? PeakMemory { get; init; }
    /// <summary>Why there are no figures.</summary>
    public string? Reason { get; init; }
}

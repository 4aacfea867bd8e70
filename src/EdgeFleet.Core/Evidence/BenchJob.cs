using System.Globalization;
using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary>Whether the device was drained for the measurement or went on serving. The two are never compared.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BenchCondition>))]
public enum BenchCondition
{
    [JsonStringEnumMemberName("quiet")] Quiet,
    [JsonStringEnumMemberName("live")] Live,
}

/// <summary>What a benchmark is asked to do. Paths are absolute.</summary>
public sealed record BenchJob
{
    public const int CurrentSchemaVersion = 2;

    public static IReadOnlyList<int> StandardLooks { get; } = [12, 20, 30];

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string CandidatePath { get; init; }
    /// <summary>Null measures one model alone.</summary>
    public string? BaselinePath { get; init; }
    /// <summary>
    /// Real inputs, fed in the same order to both: one after the other, each the bytes of all input tensors in the contract's
    /// order. Null feeds one seeded synthetic input.
    /// </summary>
    public string? InputPath { get; init; }
    public SessionChoice Session { get; init; } = new();
    /// <summary>CPUs that both models may use, as the kernel writes lists (<c>0-1,3</c>); null leaves the choice to the kernel.</summary>
    public string? Cpus { get; init; }
    /// <summary>
    /// Blocks at which the verdict is looked at, ascending; the last is the most that is measured. With 12, 20, 30 the
    /// group-sequential level of each look keeps the whole at 5 %; another single number is one look; none
    /// measures cold starts alone.
    /// </summary>
    public IReadOnlyList<int> Looks { get; init; } = StandardLooks;
    /// <summary>One of the four cells of a block. A meter may need longer ones.</summary>
    public int CellMs { get; init; } = 125;
    /// <summary>The most that each model is warmed up; it ends as soon as its windows agree.</summary>
    public int WarmUpMs { get; init; } = 30_000;
    public int ColdStarts { get; init; } = 3;
    /// <summary>Inferences of the tail phase, one at a time; 0 leaves it out and percentiles come from the blocks.</summary>
    public int TailInferences { get; init; } = 1000;
    /// <summary>Seconds of idle power before the models are loaded; half as many after. 0 where no meter is read.</summary>
    public int IdleSeconds { get; init; } = 20;
    /// <summary>
    /// How long a device that is not fit for now (busy, hot) is waited for before it is not measured; a low battery is not
    /// waited for. Null measures whatever state it is in.
    /// </summary>
    public int? GateWaitSeconds { get; init; } = 30;
    public bool Counters { get; init; } = true;
    /// <summary>A GPIO line (<c>gpiochip0:17</c>) that falls at both edges of each measured window; null none.</summary>
    public string? Marker { get; init; }
    public IReadOnlyList<SweepPoint> Sweep { get; init; } = [];
    public ulong Seed { get; init; }
    public BenchCondition Condition { get; init; } = BenchCondition.Quiet;
    /// <summary>Host-wide lease: one benchmark at a time on a machine. Null takes none.</summary>
    public string? LeaseFile { get; init; }
    /// <summary>A cpufreq governor for the time of the measurement, put back afterwards; null changes nothing.</summary>
    public string? Governor { get; init; }
    /// <summary>Where the raw samples are written; null keeps none.</summary>
    public string? RawFile { get; init; }
    public double LatencyMargin { get; init; } = 0.05;
    public double MemoryMargin { get; init; } = 0.10;
    /// <summary>Null: energy is measured where there is a meter, and does not decide.</summary>
    public double? EnergyMargin { get; init; }
    /// <summary>The most memory that one model host may take, in bytes; null is no cap.</summary>
    public long? MemoryLimitBytes { get; init; }
    /// <summary>The hardware facts that go into the fingerprint.</summary>
    public string HardwareClass { get; init; } = "";
    /// <summary>Paths below /sys and /proc are read below this folder.</summary>
    public string SystemRoot { get; init; } = "/";
    public MeterChoice Meter { get; init; } = new();
}

/// <summary>The settings of ONNX Runtime that a figure depends on.</summary>
public sealed record SessionChoice
{
    public int Threads { get; init; } = 1;
    /// <summary>Whether idle threads of the session burn their core after a call.</summary>
    public bool Spinning { get; init; }
    public bool Arena { get; init; } = true;
    public string Provider { get; init; } = "CPUExecutionProvider";
    /// <summary>What every free dimension is set to; the batch size of most models.</summary>
    public long FreeDimension { get; init; } = 1;
}

/// <summary>One point of a coarse sweep: other settings, or an offered rate.</summary>
public sealed record SweepPoint
{
    public required SessionChoice Session { get; init; }
    /// <summary>Requests per second, arriving at random (Poisson), timed from when each was meant to start; null runs one after the other.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>For a person.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"batch {Session.FreeDimension}, {Session.Threads} threads, arena {(Session.Arena ? "on" : "off")}, spinning {(Session.Spinning ? "on" : "off")}, {Session.Provider}{(RequestsPerSecond is { } rate ? $", {rate:0.##} requests/s" : "")}");
}

/// <summary>Which energy meter is read, where the best that is found shall not be.</summary>
public sealed record MeterChoice
{
    /// <summary>An external INA226 or INA228, as <c>ina226@1:0x40</c> (bus and address); null reads what the device has.</summary>
    public string? External { get; init; }
    public double? ShuntOhms { get; init; }
    public double? MaximumAmperes { get; init; }
    /// <summary>Read no meter at all.</summary>
    public bool None { get; init; }
}

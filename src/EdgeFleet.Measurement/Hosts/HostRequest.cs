using System.Text.Json.Serialization;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Hosts;

/// <summary>One request to a model host: one JSON line on its standard input, answered by one line. Exactly one part is set.</summary>
internal sealed record HostRequest
{
    public LoadRequest? Load { get; init; }
    public CellRequest? Cell { get; init; }
    public OutputRequest? Outputs { get; init; }
    public PhaseRequest? Phase { get; init; }
    public bool Unload { get; init; }
}

/// <summary>Load the model anew; one that is loaded is freed first.</summary>
/// <param name="PaddingBytes">Memory taken and touched before, so that the session comes to lie elsewhere.</param>
/// <param name="Cpus">Processors for this session, as the kernel writes lists; null changes nothing.</param>
/// <param name="Phases">Whether the memory of each step of loading is asked for; that costs time between the steps.</param>
/// <param name="Counters">Whether processor counters are opened before it is loaded.</param>
internal sealed record LoadRequest(string Path, SessionChoice Session, string? InputPath, ulong Seed, int PaddingBytes, string? Cpus, bool Phases = false, bool Counters = false);

/// <summary>Run one cell. Times in <see cref="System.Diagnostics.Stopwatch"/> ticks.</summary>
internal sealed record CellRequest
{
    /// <summary>Inferences before everything: the other model's data is still in the caches.</summary>
    public int Discard { get; init; }
    /// <summary>Running before the window opens and after it closes, so that a meter sees a plateau at both edges.</summary>
    public long LeadTicks { get; init; }
    public required long DurationTicks { get; init; }
    public int MinimumSamples { get; init; } = 1;
    public int MaximumSamples { get; init; } = CellLoop.Capacity;
    /// <summary>Inferences of one sample.</summary>
    public int Batch { get; init; } = 1;
    /// <summary>Which input comes first; the same for both models of a block.</summary>
    public int FirstInput { get; init; }
    /// <summary>Mean time between intended starts for an offered rate (Poisson); null runs one after the other.</summary>
    public long? MeanGapTicks { get; init; }
    public ulong Seed { get; init; }
    /// <summary>Which group of processor counters counts during the window; null none.</summary>
    public int? CounterGroup { get; init; }
    /// <summary>Whether the GPIO line that the host was started with falls at both edges of the window.</summary>
    public bool Mark { get; init; }
}

/// <summary>Answer the first inputs and give the outputs.</summary>
/// <param name="LargestElements">Of one input's answer at most so many elements are given, and with so many no further input is answered.</param>
internal sealed record OutputRequest(int Inputs, int LargestElements);

/// <summary>Ends a phase of the memory account and begins another.</summary>
internal sealed record PhaseRequest(string Ended);

/// <summary>A host's answer.</summary>
internal sealed record HostReply
{
    public bool Ready { get; init; }
    public LoadReply? Load { get; init; }
    public CellReply? Cell { get; init; }
    public OutputReply? Outputs { get; init; }
    public PhaseReply? Phase { get; init; }
    public string? ErrorCode { get; init; }
    public string? Error { get; init; }
}

/// <param name="FirstMs">First inference, buffers bound to the session included.</param>
/// <param name="Inputs">How many inputs there are to go through; 1 for synthetic ones.</param>
/// <param name="Phases">Memory of the steps, where it was asked for.</param>
/// <param name="CounterGroups">Groups of processor counters that can be asked for.</param>
internal sealed record LoadReply(double LoadMs, double FirstMs, double SecondMs, int Inputs, Core.Artifacts.ModelContract Contract, IReadOnlyList<PhaseReply> Phases, int CounterGroups);

internal sealed record CellReply
{
    /// <summary>When the window opened and closed, on the clock that all processes of the machine share.</summary>
    public required long BeginTicks { get; init; }
    public required long EndTicks { get; init; }
    public required long Inferences { get; init; }
    /// <summary>Each sample's time per inference in nanoseconds, little-endian 64-bit floats.</summary>
    public required byte[] Nanos { get; init; }
    public double FirstMicros { get; init; }
    /// <summary>Where the measuring thread was as the window closed.</summary>
    public int Processor { get; init; }
    public long MajorFaults { get; init; }
    public int Collections { get; init; }
    public long AllocatedBytes { get; init; }
    /// <summary>Of an offered rate: inferences that still waited when the window was ended.</summary>
    public int Unserved { get; init; }
    /// <summary>Processor time in the window and time ready but waiting; null where the kernel keeps no account.</summary>
    public long? RunNanos { get; init; }
    public long? WaitNanos { get; init; }
    public IReadOnlyDictionary<string, CounterReading>? Counters { get; init; }
    /// <summary>Why the line for an analyser did not fall at an edge of some window; null where it always did.</summary>
    public string? MarkFault { get; init; }
}

/// <param name="Values">All outputs of all inputs, one after the other, as little-endian 32-bit floats.</param>
/// <param name="Lengths">Elements given of each output of each input, in order.</param>
/// <param name="NonFinite">Elements that are no number, among all and not only those given.</param>
internal sealed record OutputReply(byte[] Values, IReadOnlyList<int> Lengths, int Inputs, long NonFinite, string? FirstNonFinite);

internal sealed record PhaseReply(MemoryPhase Memory, Reading ControlGroup, Reading Accelerator, string? NoReset);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HostRequest))]
[JsonSerializable(typeof(HostReply))]
internal sealed partial class HostJsonContext : JsonSerializerContext;

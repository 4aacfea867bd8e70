using System.Collections.Immutable;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>How much a model from a stranger may ask for before a runtime sees it. The defaults hold every model of the public zoos that fits in one protobuf file.</summary>
public sealed record ScanLimits
{
    public static ScanLimits Default { get; } = new();

    /// <summary>The model file itself; protobuf ends at 2 GiB.</summary>
    public long MaxModelBytes { get; init; } = int.MaxValue;

    /// <summary>All files that tensors point to, together.</summary>
    public long MaxExternalBytes { get; init; } = 16L << 30;

    /// <summary>Nodes of all graphs and functions together.</summary>
    public int MaxNodes { get; init; } = 100_000;

    /// <summary>Tensors of all graphs together, constants in attributes included.</summary>
    public int MaxTensors { get; init; } = 200_000;

    /// <summary>Messages of every kind: what a parser would make objects of.</summary>
    public int MaxMessages { get; init; } = 4_000_000;

    /// <summary>Graphs inside graphs (the branches of an If, the body of a Loop).</summary>
    public int MaxGraphDepth { get; init; } = 16;

    /// <summary>Messages inside messages; protobuf readers end at 100.</summary>
    public int MaxMessageDepth { get; init; } = 64;

    /// <summary>Names and domains that are read; all of them together get a thousand times this.</summary>
    public int MaxNameBytes { get; init; } = 4096;

    public int MaxRank { get; init; } = 32;

    public long MinIrVersion { get; init; } = 3;

    public long MaxIrVersion { get; init; } = 13;

    /// <summary>Where operators may come from: those that the runtime itself brings.</summary>
    public ImmutableHashSet<string> AllowedDomains { get; init; } = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"];
}

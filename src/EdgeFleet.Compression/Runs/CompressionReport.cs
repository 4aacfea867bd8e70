using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Compression.Runs;

/// <summary>What a compression did: the file <c>report.json</c>. Only the times differ between two runs of the same inputs.</summary>
public sealed record CompressionReport
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public string Kind { get; init; } = "Compression";
    public required RecipeIdentity Recipe { get; init; }
    public required ModelFile Baseline { get; init; }
    public required ModelFile Candidate { get; init; }
    public required CalibrationIdentity Calibration { get; init; }
    public required IReadOnlyList<PassReport> Passes { get; init; }
    public required VerificationReport Verification { get; init; }

    /// <summary>For example <c>onnxruntime 1.29.0</c>.</summary>
    public required string Runtime { get; init; }

    public required double Seconds { get; init; }

    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, CompressionJson.Readable.CompressionReport), (byte)'\n'];
}

public sealed record RecipeIdentity(string Name, Digest Digest, string Target, int Seed);

/// <param name="Sha256">Of the graph's file.</param>
/// <param name="SizeBytes">With the external data that the graph points to.</param>
public sealed record ModelFile(string File, Digest Sha256, long SizeBytes);

public sealed record CalibrationIdentity(string Dataset, string Split, int Rows);

/// <summary>What a pass did, decision by decision, and what it cost.</summary>
public sealed record PassReport(
    string Pass,
    IReadOnlyDictionary<string, string> Parameters,
    IReadOnlyList<PassDecision> Decisions,
    IReadOnlyDictionary<string, double> Metrics,
    long BytesBefore,
    long BytesAfter,
    double Seconds);

public sealed record PassDecision(string Node, string Operator, string Action, string Reason);

/// <summary>The candidate against the baseline on the calibration rows, after it has been loaded at every level of optimisation.</summary>
/// <param name="SignalToNoiseDb">Of the first output: energy of the baseline's answer over the energy of the difference; null where they are equal.</param>
/// <param name="LargestDifferenceBetweenLevels">Of outputs at different levels of optimisation; a large one means that kernels disagree on this machine.</param>
public sealed record VerificationReport(
    IReadOnlyList<string> Levels,
    int Rows,
    double Agreement,
    double? SignalToNoiseDb,
    double LargestError,
    double LargestDifferenceBetweenLevels);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CompressionReport))]
internal sealed partial class CompressionJsonContext : JsonSerializerContext;

internal static class CompressionJson
{
    /// <summary>Node names such as <c>/l/l.0/a/Conv</c> stay readable; the file is no HTML.</summary>
    public static CompressionJsonContext Readable { get; } = new(new JsonSerializerOptions(CompressionJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

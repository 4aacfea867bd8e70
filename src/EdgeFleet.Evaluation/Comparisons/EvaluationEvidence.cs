using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>What an evaluation found, as the file that travels with a variant. Only <see cref="Seconds"/> and <see cref="EvaluatedAt"/> differ between two runs of the same inputs.</summary>
public sealed record EvaluationEvidence
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public string Kind { get; init; } = "Evaluation";

    /// <summary>pass or fail.</summary>
    public required string Verdict { get; init; }

    /// <summary>A sentence for each criterion that was missed; empty on pass.</summary>
    public required IReadOnlyList<string> Failed { get; init; }

    public required SuiteIdentity Suite { get; init; }
    public required DatasetIdentity Dataset { get; init; }
    public required ModelIdentity Baseline { get; init; }
    public required ModelIdentity Candidate { get; init; }
    public required long Rows { get; init; }
    public required EvaluationMetrics Metrics { get; init; }
    public required double Agreement { get; init; }
    public required double NegativeFlips { get; init; }
    public required double PositiveFlips { get; init; }
    public required NonFiniteRows NonFinite { get; init; }
    public required IReadOnlyList<ClassAccuracy> PerClass { get; init; }
    public required IReadOnlyList<CriterionResult> Criteria { get; init; }

    /// <summary>For example <c>onnxruntime 1.29.0</c>.</summary>
    public required string Runtime { get; init; }

    public required DateTimeOffset EvaluatedAt { get; init; }
    public required double Seconds { get; init; }

    [JsonIgnore]
    public bool Passed => Verdict == "pass";

    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, EvaluationJson.Readable.EvaluationEvidence), (byte)'\n'];

    /// <exception cref="FormatException">The bytes are no evidence of this schema.</exception>
    public static EvaluationEvidence FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            EvaluationEvidence evidence = JsonSerializer.Deserialize(bytes, EvaluationJson.Readable.EvaluationEvidence)
                ?? throw new FormatException("evidence: the document is null");
            return evidence.SchemaVersion == CurrentSchemaVersion && evidence.Kind == "Evaluation" && evidence.Verdict is "pass" or "fail"
                ? evidence
                : throw new FormatException($"evidence: schemaVersion {evidence.SchemaVersion}, kind '{evidence.Kind}', verdict '{evidence.Verdict}' is not known");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"evidence: {ex.Message}", ex);
        }
    }
}

public sealed record SuiteIdentity(string Name, Digest Digest);

public sealed record DatasetIdentity(string Name, string Split, Digest Digest);

/// <param name="Sha256">Of the graph's file.</param>
/// <param name="SizeBytes">Of all its files.</param>
/// <param name="ExternalData">The files that the graph points to; absent where it stands alone.</param>
public sealed record ModelIdentity(string File, Digest Sha256, long SizeBytes, IReadOnlyList<ExternalFile>? ExternalData);

public sealed record ExternalFile(string File, Digest Sha256);

public sealed record EvaluationMetrics(AccuracyMetric Accuracy);

/// <param name="Difference">Candidate minus baseline: below zero means worse.</param>
/// <param name="Interval">Lower and upper bound of the difference.</param>
/// <param name="IntervalMethod">How the interval was computed; the rows are the same for both models, so it is a paired one.</param>
public sealed record AccuracyMetric(
    double Baseline, double Candidate, double Difference, IReadOnlyList<double> Interval, double IntervalConfidence, string IntervalMethod);

public sealed record NonFiniteRows(long Baseline, long Candidate);

/// <param name="Baseline">Null where the split has no row of this class: absent, not zero.</param>
public sealed record ClassAccuracy(int Class, string Label, long Rows, double? Baseline, double? Candidate, double? Difference);

/// <param name="Limit">What the suite asks; <paramref name="Direction"/> says whether it is a maximum or a minimum.</param>
public sealed record CriterionResult(string Name, string Direction, double Limit, double Seen, bool Met);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(EvaluationEvidence))]
internal sealed partial class EvaluationJsonContext : JsonSerializerContext;

internal static class EvaluationJson
{
    /// <summary>Labels such as <c>T-shirt/top</c> and <c>müde</c> stay readable; the file is no HTML.</summary>
    public static EvaluationJsonContext Readable { get; } = new(new JsonSerializerOptions(EvaluationJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core;
using EdgeFleet.Evaluation.Documents;

namespace EdgeFleet.Evaluation.Suites;

/// <summary>
/// The fixed acceptance checks of a model (<c>kind: Suite</c>). Shares are fractions of rows: 0.01 is one percentage point.
/// A criterion that is left out is not asked; the digest covers every one, so thresholds cannot move unnoticed.
/// </summary>
public sealed record Suite
{
    public required string Name { get; init; }

    /// <summary>The held-out split that decides; never the one that ranges were calibrated on.</summary>
    public string Split { get; init; } = "test";

    /// <summary>Fewer rows prove nothing.</summary>
    public long MinRows { get; init; } = 100;

    public double MaxAccuracyDrop { get; init; }

    public double? MaxClassAccuracyDrop { get; init; }

    /// <summary>Share of rows on which both models name the same class.</summary>
    public double? MinAgreement { get; init; }

    /// <summary>Share of rows that the baseline had right and the candidate has wrong.</summary>
    public double? MaxNegativeFlips { get; init; }

    /// <summary>Rows whose outputs hold NaN or infinity.</summary>
    public long MaxNonFinite { get; init; }

    /// <summary>SHA-256 of the checks in one canonical form: comments, order and spelling of the file do not matter.</summary>
    public Digest Digest() => Core.Digest.Of(JsonSerializer.SerializeToUtf8Bytes(this, SuiteJsonContext.Default.Suite));

    /// <exception cref="DocumentException">The file says something it cannot mean; the message has the line.</exception>
    public static Suite Load(string path)
    {
        (string name, DocumentMap spec) = DocumentMap.Load(path, "Suite");
        return From(name, spec);
    }

    public static Suite Parse(string text, string source)
    {
        (string name, DocumentMap spec) = DocumentMap.Parse(text, source, "Suite");
        return From(name, spec);
    }

    private static Suite From(string name, DocumentMap spec)
    {
        spec.AllowOnly("split", "minRows", "maxAccuracyDrop", "maxClassAccuracyDrop", "minAgreement", "maxNegativeFlips", "maxNonFinite");
        if (!spec.Has("maxAccuracyDrop"))
        {
            throw spec.Error("", "maxAccuracyDrop is missing: a suite says how much accuracy may be lost (0.01 is one percentage point)");
        }

        return new Suite
        {
            Name = name,
            Split = spec.OptionalText("split") ?? "test",
            MinRows = spec.Integer("minRows", 100, 1, int.MaxValue),
            MaxAccuracyDrop = spec.Number("maxAccuracyDrop", 0, 0, 1),
            MaxClassAccuracyDrop = Optional(spec, "maxClassAccuracyDrop"),
            MinAgreement = Optional(spec, "minAgreement"),
            MaxNegativeFlips = Optional(spec, "maxNegativeFlips"),
            MaxNonFinite = spec.Integer("maxNonFinite", 0, 0, int.MaxValue),
        };
    }

    private static double? Optional(DocumentMap spec, string key) => spec.Has(key) ? spec.Number(key, 0, 0, 1) : null;
}

/// <summary>The canonical form of a suite: every field in the order of the record, absent ones left out.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Suite))]
internal sealed partial class SuiteJsonContext : JsonSerializerContext;

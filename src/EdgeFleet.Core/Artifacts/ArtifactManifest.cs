using System.Text.Json;
using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Artifacts;

/// <summary>What a file of a bundle is for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ArtifactRole>))]
public enum ArtifactRole
{
    [JsonStringEnumMemberName("model")] Model,
    [JsonStringEnumMemberName("external-data")] ExternalData,
    [JsonStringEnumMemberName("labels")] Labels,
    [JsonStringEnumMemberName("tokenizer")] Tokenizer,
    [JsonStringEnumMemberName("preprocess")] Preprocess,
}

/// <summary>One file of a bundle. <paramref name="Path"/> is relative, with '/' and without '..'.</summary>
public sealed record ArtifactFile(string Path, long SizeBytes, Digest Sha256, ArtifactRole Role);

/// <summary>
/// The signed description of a bundle that is activated as one. Its digest is the SHA-256 of the exact bytes that were
/// signed, so there is no canonical form to disagree about.
/// </summary>
public sealed record ArtifactManifest
{
    public const int CurrentSchemaVersion = 1;
    public const string PayloadType = "application/vnd.edgefleet.artifact.v1+json";
    public const int MaximumFiles = 64;
    public const long MaximumTotalBytes = 16L << 30;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    /// <summary>A name for people, such as <c>int8</c> or <c>2026-11-20</c>; the digest is the identity.</summary>
    public string Version { get; init; } = "";
    public required IReadOnlyList<ArtifactFile> Files { get; init; }
    /// <summary>The path of the ONNX file that a session is made from.</summary>
    public required string EntryPoint { get; init; }
    public required ModelContract Contract { get; init; }
    /// <summary>The artifact that this one was compressed from, where it is a variant.</summary>
    public Digest? Baseline { get; init; }
    /// <summary>SHA-256 of the evaluation evidence that was shown at publishing.</summary>
    public Digest? Evidence { get; init; }
    /// <summary>SHA-256 of the recipe that made it.</summary>
    public Digest? Recipe { get; init; }
    public int? Opset { get; init; }
    /// <summary>The runtime it was proven with, for example <c>onnxruntime 1.29.0</c>.</summary>
    public string? Runtime { get; init; }
    /// <summary>Hardware classes it is meant for; empty means any.</summary>
    public IReadOnlyList<string> HardwareClasses { get; init; } = [];
    /// <summary>Application versions that a changed contract needs.</summary>
    public IReadOnlyList<string> ApplicationVersions { get; init; } = [];
    public DateTimeOffset? CreatedAt { get; init; }

    [JsonIgnore]
    public long TotalBytes => Files.Sum(file => file.SizeBytes);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ArtifactJsonContext.Default.ArtifactManifest);

    /// <summary>Reads and checks a manifest that came from a stranger. Every error names the field and the value.</summary>
    /// <exception cref="FormatException">The bytes are not a manifest, or it breaks a rule.</exception>
    public static ArtifactManifest FromBytes(ReadOnlySpan<byte> bytes)
    {
        ArtifactManifest manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(bytes, ArtifactJsonContext.Default.ArtifactManifest)
                ?? throw new FormatException("manifest: the document is null");
        }
        catch (JsonException ex)
        {
            throw new FormatException($"manifest: {ex.Message}", ex);
        }
        ManifestRules.Check(manifest);
        return manifest;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ArtifactManifest))]
[JsonSerializable(typeof(ModelContract))]
public sealed partial class ArtifactJsonContext : JsonSerializerContext;

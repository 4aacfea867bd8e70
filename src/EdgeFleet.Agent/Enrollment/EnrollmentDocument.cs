using System.Text.Json.Serialization;

namespace EdgeFleet.Agent.Enrollment;

/// <summary><c>identity/enrollment.json</c>: written last, so that its presence means that the device is enrolled.</summary>
public sealed record EnrollmentDocument
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string DeviceId { get; init; }
    public required string Tenant { get; init; }
    public required EnrolledEndpoints Endpoints { get; init; }
    /// <summary>SHA-256 of the root's SubjectPublicKeyInfo, in hexadecimal.</summary>
    public required string RootPin { get; init; }
    /// <summary>Whose signature lets an artifact run here. Only enrolment sets them: the controller cannot add one later.</summary>
    public required IReadOnlyList<string> ReleaseKeys { get; init; }
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
    public DateTimeOffset EnrolledAt { get; init; }
    /// <summary>Hash of the token that let it in: the same bundle again asks nobody, another one enrols anew.</summary>
    public string? TokenSha256 { get; init; }
}

public sealed record EnrolledEndpoints(string DeviceUrl, string EnrollUrl);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EnrollmentDocument))]
internal sealed partial class EnrollmentDocumentJsonContext : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Core.Devices;

namespace EdgeFleet.Controller.Api;

// What the operator plane says, as JSON. Optional fields are left out when they have no value.

internal sealed record HealthDocument(string Status, long Epoch, string Tenant, string Version, string Sqlite);

internal sealed record FleetDocument(
    string Tenant, long Epoch, long Devices, long Pending, long Active, long Revoked, long Online, int Connected,
    long ReportsTaken, long ReportDuplicates, long ReportsQuarantined);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record TokenRequest(string? DeviceId, string? Group, int? Count, int? TtlSeconds, bool? AutoApprove, Dictionary<string, string>? Labels);

internal sealed record TokenDocument(string Token, DateTimeOffset ExpiresAt, BundleDocument Bundle);

internal sealed record BundleDocument(string EnrollUrl, string RootPin, string RootPem, string Token);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ReasonRequest(string? Reason);

internal sealed record DesiredDocument(string Digest, string Goal, string Reason, string RolloutId, int Attempt, long Generation);

internal sealed record ModelDocument(string? Active, string? Previous, string? Golden, DateTimeOffset? ServingSince, DesiredDocument? Desired);

internal sealed record DeploymentDocument(
    string Model, string Digest, string RolloutId, int Attempt, string Phase, string Code, string Detail, bool Invariant, DateTimeOffset UpdatedAt);

internal sealed record EventDocument(string Type, string Subject, string Detail, DateTimeOffset At);

internal sealed record DeviceDocument
{
    public required string Id { get; init; }
    public required string State { get; init; }
    /// <summary>A stream of the device is open, so it hears of changes at once.</summary>
    public required bool Online { get; init; }
    public required DateTimeOffset? LastSeen { get; init; }
    /// <summary>Whether what serves the models answers the agent: <c>answers</c>, <c>away</c> or <c>unknown</c>.</summary>
    public required string Runner { get; init; }
    /// <summary>What a person has to look at: <c>runner-away</c>, <c>identity-shared</c> (two agents use it); none where empty. The events say more.</summary>
    public required IReadOnlyList<string> Problems { get; init; }
    public required string HardwareClass { get; init; }
    public required HardwareFacts Facts { get; init; }
    public required IReadOnlyDictionary<string, string> Labels { get; init; }
    public required string AgentVersion { get; init; }
    public required DateTimeOffset EnrolledAt { get; init; }
    public DateTimeOffset? ApprovedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public string? RevokedReason { get; init; }
    /// <summary>The newest desired generation that the device says it has stored.</summary>
    public required long Generation { get; init; }
    public required long DesiredGeneration { get; init; }
    public required IReadOnlyDictionary<string, ModelDocument> Models { get; init; }
    public IReadOnlyList<DeploymentDocument>? Deployments { get; init; }
    public IReadOnlyList<EventDocument>? Events { get; init; }
    /// <summary>How it was doing when it last said so; absent where it has not since the controller was started.</summary>
    public MetricReading? Metrics { get; init; }
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ArtifactRequest(JsonElement Envelope, JsonElement? Evidence, string? OverrideReason);

internal sealed record ArtifactDocument
{
    public required string Digest { get; init; }
    public required string Model { get; init; }
    public required string Version { get; init; }
    public string? Baseline { get; init; }
    public required long SizeBytes { get; init; }
    /// <summary><c>pass</c> or <c>fail</c>; absent where no evidence was shown.</summary>
    public string? Verdict { get; init; }
    public string? OverrideReason { get; init; }
    public required string KeyId { get; init; }
    public required string PublishedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Why newcomers do not get it.</summary>
    public string? Barred { get; init; }
    public JsonElement? Manifest { get; init; }
    public JsonElement? Evidence { get; init; }
}

internal sealed record PublishedDocument(string Digest, string Model, string Version, bool Known, string? Warning);

internal sealed record ContentDocument(string Sha256, long SizeBytes);

internal sealed record AssignmentDocument(string Model, string Selector, string Digest, string RolloutId, int Attempt, DateTimeOffset UpdatedAt);

internal sealed record AuditDocument(bool Intact, string? FirstBrokenLink, IReadOnlyList<AuditEntryDocument> Items);

internal sealed record AuditEntryDocument(long Seq, DateTimeOffset At, string Actor, string Act, string Subject, string Detail, string Hash);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record OperatorRequest(string Name, string Role, IReadOnlyList<string>? Approves = null);

/// <param name="Approves">Roles by name, besides the own one and those below it, in which the operator may approve stages.</param>
internal sealed record OperatorDocument(string Name, string Role, DateTimeOffset CreatedAt, IReadOnlyList<string> Approves, string? Token = null);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ReleaseKeyRequest(string PublicKeyPem);

internal sealed record ReleaseKeyDocument(string KeyId);

internal sealed record QuarantineDocument(long Id, string Topic, string Reason, long Bytes, DateTimeOffset At);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(HealthDocument))]
[JsonSerializable(typeof(FleetDocument))]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(TokenDocument))]
[JsonSerializable(typeof(ReasonRequest))]
[JsonSerializable(typeof(DeviceDocument))]
[JsonSerializable(typeof(IReadOnlyList<DeviceDocument>))]
[JsonSerializable(typeof(ArtifactRequest))]
[JsonSerializable(typeof(ArtifactDocument))]
[JsonSerializable(typeof(IReadOnlyList<ArtifactDocument>))]
[JsonSerializable(typeof(PublishedDocument))]
[JsonSerializable(typeof(ContentDocument))]
[JsonSerializable(typeof(IReadOnlyList<AssignmentDocument>))]
[JsonSerializable(typeof(AuditDocument))]
[JsonSerializable(typeof(OperatorRequest))]
[JsonSerializable(typeof(OperatorDocument))]
[JsonSerializable(typeof(IReadOnlyList<OperatorDocument>))]
[JsonSerializable(typeof(ReleaseKeyRequest))]
[JsonSerializable(typeof(ReleaseKeyDocument))]
[JsonSerializable(typeof(IReadOnlyList<ReleaseKeyDocument>))]
[JsonSerializable(typeof(IReadOnlyList<QuarantineDocument>))]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookDocument))]
[JsonSerializable(typeof(IReadOnlyList<WebhookDocument>))]
[JsonSerializable(typeof(Microsoft.AspNetCore.Mvc.ProblemDetails))]
internal sealed partial class ApiJsonContext : JsonSerializerContext;

using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Agent.Applications;

/// <summary>
/// What an application says of a model that it loaded itself: one line of JSON. Counts are totals since this instance of the
/// application loaded this digest, so a line that is lost costs nothing. Fields that this build does not know are ignored.
/// </summary>
internal sealed record HealthReport
{
    public const int LongestLine = 4096;
    private const int LongestInstance = 64;
    /// <summary>Whole numbers beyond this are not exact in every language's JSON.</summary>
    private const long Largest = 1L << 53;

    public string? Model { get; init; }
    /// <summary>What it loaded: <c>sha256:…</c>, as the hook was told, or as the folder is called that <c>current</c> points to.</summary>
    public string? Digest { get; init; }
    /// <summary>Anything that is another for another process of the application, such as its process id and start time.</summary>
    public string? Instance { get; init; }
    /// <summary>Inferences that were asked for.</summary>
    public long? Requests { get; init; }
    /// <summary>Those of them that failed.</summary>
    public long? Errors { get; init; }
    /// <summary>What came out, in the application's own unit: detections, tracks, events. Left out where it counts none.</summary>
    public long? Outputs { get; init; }
    /// <summary>Answers with NaN or infinity.</summary>
    public long? NonFinite { get; init; }
    public HealthLatency? LatencyMicros { get; init; }

    /// <summary>The report in a line; null with what is wrong with it.</summary>
    public static HealthReport? Parse(ReadOnlySpan<byte> line, out Digest digest, out string error)
    {
        digest = default;
        HealthReport? report;
        try
        {
            report = JsonSerializer.Deserialize(line, HealthJsonContext.Default.HealthReport);
        }
        catch (JsonException ex)
        {
            error = $"the line is not a health report: {ex.Message}";
            return null;
        }
        error = report is null ? "the line is null"
            : !Identifier.IsValid(report.Model) ? $"model '{Short(report.Model)}': expected {Identifier.Rule}"
            : !Core.Digest.TryParse(report.Digest, out digest) ? $"digest '{Short(report.Digest)}': expected sha256: and 64 hexadecimal digits, of the artifact that was loaded"
            : report.Instance is { Length: > LongestInstance } ? $"instance has {report.Instance.Length} characters; {LongestInstance} may be there"
            : report.Requests is null || report.Errors is null ? "requests and errors are needed"
            : Wrong("requests", report.Requests) ?? Wrong("errors", report.Errors) ?? Wrong("outputs", report.Outputs) ?? Wrong("nonFinite", report.NonFinite)
                ?? Wrong("latencyMicros.p50", report.LatencyMicros?.P50) ?? Wrong("latencyMicros.p95", report.LatencyMicros?.P95)
                ?? (report.Errors > report.Requests ? $"errors is {report.Errors}, more than the {report.Requests} requests" : "");
        return error.Length == 0 ? report : null;
    }

    private static string? Wrong(string name, long? value) =>
        value is < 0 or > Largest ? $"{name} is {value}; 0 to {Largest} are possible" : null;

    private static string? Wrong(string name, double? value) =>
        value is { } given && !(given >= 0 && given <= Largest) ? FormattableString.Invariant($"{name} is {given}; 0 to {Largest} are possible") : null;

    private static string? Short(string? text) => text is { Length: > 80 } ? text[..80] : text;
}

internal sealed record HealthLatency
{
    public double? P50 { get; init; }
    public double? P95 { get; init; }
}

/// <summary>What the application reads after each line.</summary>
internal sealed record HealthAnswer
{
    public required bool Ok { get; init; }
    /// <summary>What the application should have loaded.</summary>
    public string? Digest { get; init; }
    public string? Path { get; init; }
    public string? Error { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(HealthAnswer))]
internal sealed partial class HealthJsonContext : JsonSerializerContext;

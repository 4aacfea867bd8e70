using System.Text.Json.Serialization;
using EdgeFleet.Agent.State;

namespace EdgeFleet.Agent.Reporting;

/// <summary>Counts connects to the broker over restarts, so that a will that comes late is known to be of an older one.</summary>
internal sealed class PresenceEpoch(StateFolder state, TimeProvider time)
{
    private PresenceDocument? _document;

    /// <summary>The epoch of the connect that is tried now; on disk before it is used.</summary>
    public long Next()
    {
        _document ??= StateFile.Read(
            state.Files, state.Presence, PresenceJsonContext.Default.PresenceDocument,
            document => document.SchemaVersion, PresenceDocument.CurrentSchemaVersion, static (_, _) => { })
            // A lost count begins at the clock, which is far above what any count has reached.
            ?? new PresenceDocument { Epoch = Math.Max(0, time.GetUtcNow().ToUnixTimeSeconds()) };
        _document = _document with { Epoch = _document.Epoch + 1 };
        StateFile.Write(state.Files, state.Presence, _document, PresenceJsonContext.Default.PresenceDocument);
        return _document.Epoch;
    }
}

/// <summary><c>presence.json</c>.</summary>
internal sealed record PresenceDocument
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public long Epoch { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PresenceDocument))]
internal sealed partial class PresenceJsonContext : JsonSerializerContext;

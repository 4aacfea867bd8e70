using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Agent.Serving.Sources;

/// <summary><c>models/&lt;model&gt;/slots.json</c> as the runner reads it: one small file, replaced as a whole.</summary>
internal sealed record SlotFile
{
    public const int CurrentSchemaVersion = 1;

    public required int SchemaVersion { get; init; }
    public required string Model { get; init; }
    public required Digest Active { get; init; }
    public Digest? Previous { get; init; }
    public Digest? Golden { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SlotFile))]
internal sealed partial class SlotJsonContext : JsonSerializerContext;

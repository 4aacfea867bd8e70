using System.Text.Json.Serialization;
using EdgeFleet.Core;

namespace EdgeFleet.Agent.Slots;

/// <summary>
/// What a model is on this device: the artifact that serves, the one that served before, and the first that was ever
/// committed. None of the three is ever collected.
/// </summary>
public sealed record ModelSlots
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    /// <summary>Counts the changes of this file.</summary>
    public long Generation { get; init; }
    public required Digest Active { get; init; }
    public Digest? Previous { get; init; }
    public Digest? Golden { get; init; }
    public DateTimeOffset ChangedAt { get; init; }

    [JsonIgnore]
    public IEnumerable<Digest> All => new[] { Active, Previous, Golden }.OfType<Digest>().Distinct();
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ModelSlots))]
internal sealed partial class SlotsJsonContext : JsonSerializerContext;

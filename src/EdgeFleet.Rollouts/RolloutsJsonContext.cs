using System.Text.Json.Serialization;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts;

/// <summary>
/// JSON of rollout state, gate inputs and verdicts as they are stored. Doubles are written with the shortest text that
/// reads back to the same bits; an infinite e-value is written by name.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(GateMargins))]
[JsonSerializable(typeof(GateInput))]
[JsonSerializable(typeof(GateVerdict))]
[JsonSerializable(typeof(StoredVerdict))]
[JsonSerializable(typeof(RolloutSpec))]
[JsonSerializable(typeof(PolicySpec))]
[JsonSerializable(typeof(RolloutState))]
[JsonSerializable(typeof(OperatorCommand))]
public sealed partial class RolloutsJsonContext : JsonSerializerContext;

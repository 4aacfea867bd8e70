using System.Text.Json.Serialization;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Controller.Api;

/// <summary>As the rules write them: infinite e-values by name.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(GateVerdict[]))]
internal sealed partial class VerdictListJsonContext : JsonSerializerContext;

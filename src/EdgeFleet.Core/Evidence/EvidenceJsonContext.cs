using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Evidence;

/// <summary>JSON of the jobs and the evidence, the same between processes, in the store and in <c>-o json</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchJob))]
[JsonSerializable(typeof(BenchEvidence))]
[JsonSerializable(typeof(ShadowJob))]
[JsonSerializable(typeof(ShadowTick))]
[JsonSerializable(typeof(ProbationEvidence))]
[JsonSerializable(typeof(IReadOnlyList<ShadowTick>))]
public sealed partial class EvidenceJsonContext : JsonSerializerContext;

using System.Text.Json.Serialization;

namespace EdgeFleet.Agent.Serving.Labels;

/// <summary>What became of posted labels. Taken ones are matched with the requests that were sampled; most of them were not.</summary>
internal sealed record LabelsAnswer(
    int Taken, int Dropped, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Reason);

namespace EdgeFleet.Agent.Serving.Labels;

/// <summary>The true class of each row of a request, which its application learned after the answer.</summary>
internal sealed record PostedLabel(string Id, IReadOnlyList<int> Classes);

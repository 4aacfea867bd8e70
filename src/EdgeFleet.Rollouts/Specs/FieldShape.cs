namespace EdgeFleet.Rollouts.Specs;

/// <summary>
/// What a reader declared about a key while it read: the source that the JSON schemas are checked against, so that
/// what is documented is what is accepted.
/// </summary>
internal sealed record FieldShape(
    string Path, string Type, double? Minimum, double? Maximum, IReadOnlyList<string>? Allowed, object? Default, bool Required);

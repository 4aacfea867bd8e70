namespace EdgeFleet.Measurement.Verdicts;

/// <summary>
/// Whether the run may decide anything. What is null is in order; what is not says why it is not, and the verdict is then
/// inconclusive whatever the blocks say.
/// </summary>
/// <param name="NotSteady">Why the models were not warm when the blocks began.</param>
/// <param name="Unstable">What made too many blocks invalid.</param>
public sealed record Soundness(string? NotSteady, string? Unstable)
{
    public static Soundness Sound { get; } = new(null, null);
}

using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>One stage of one class, before it begins.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Devices">How many of the class.</param>
/// <param name="Approval">What is asked of people before it begins; null for nothing.</param>
/// <param name="Soak">Least time between its beginning and its end, whatever the evidence.</param>
public sealed record StagePlan(StageKind Stage, int Devices, string? Approval, TimeSpan Soak)
{
    /// <summary>Least time from its beginning to its end; downloads, and people who are asked, come on top.</summary>
    public required TimeSpan Least { get; init; }

    /// <summary>What that time is made of.</summary>
    public required string Because { get; init; }

    /// <summary>The exact devices, in the order in which they are taken, while nothing goes wrong; null for all of the class and for a stage that is over.</summary>
    public IReadOnlyList<string>? DeviceIds { get; init; }
}

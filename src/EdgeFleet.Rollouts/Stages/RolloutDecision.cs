using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// What one device should do for this rollout. The epoch is the writer's to fill in; a goal equal to what is written
/// already needs no new generation.
/// </summary>
/// <param name="DeviceId">Which device.</param>
/// <param name="Desired">Null: this rollout wants nothing of the device any more (an install taken back).</param>
public sealed record DeviceGoal(string DeviceId, DesiredDeployment? Desired);

/// <summary>What new, replaced and returning devices get once the rollout is over.</summary>
/// <param name="Model">Which model.</param>
/// <param name="Selector">For which devices.</param>
/// <param name="Digest">What they get.</param>
public sealed record AssignmentChange(string Model, string Selector, Digest Digest);

/// <summary>Something that changed, for the timeline.</summary>
/// <param name="At">When it was decided.</param>
/// <param name="HardwareClass">Empty for the rollout as a whole.</param>
/// <param name="Kind">A word for machines, for example <c>stagePromoted</c>.</param>
/// <param name="Message">A sentence with numbers.</param>
public sealed record RolloutEvent(DateTimeOffset At, string HardwareClass, string Kind, string Message);

/// <summary>The outcome of one look at the world.</summary>
public sealed record RolloutDecision
{
    /// <summary>The state to save; the same instance as before when nothing changed.</summary>
    public required RolloutState Next { get; init; }

    /// <summary>Whether <see cref="Next"/> has to be saved.</summary>
    public required bool Changed { get; init; }

    /// <summary>What every device of the rollout should do now: the whole list each time, for comparison with what is written.</summary>
    public required IReadOnlyList<DeviceGoal> Goals { get; init; }

    /// <summary>The present verdict of each class that is not over, for <c>show</c> and <c>watch</c>.</summary>
    public required IReadOnlyList<GateVerdict> Current { get; init; }

    /// <summary>Verdicts that say something new, to be stored with their inputs in the same transaction as the state.</summary>
    public required IReadOnlyList<StoredVerdict> Verdicts { get; init; }

    public required IReadOnlyList<RolloutEvent> Events { get; init; }

    /// <summary>Assignments to write, once the rollout is over; the same ones each time.</summary>
    public required IReadOnlyList<AssignmentChange> Assignments { get; init; }

    /// <summary>When time alone may change the decision; null when only news can.</summary>
    public DateTimeOffset? WakeAt { get; init; }
}

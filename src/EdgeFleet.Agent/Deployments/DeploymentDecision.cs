using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Agent.Deployments;

/// <summary>What to do with a model now.</summary>
internal abstract record DeploymentDecision
{
    private DeploymentDecision() { }

    /// <summary>Nothing until something changes.</summary>
    public sealed record Idle : DeploymentDecision;

    /// <summary>Save this record and go on with it.</summary>
    public sealed record Begin(DeploymentRecord Record) : DeploymentDecision;

    /// <summary>The desired state means the same digest for another reason now: save the record under its new name.</summary>
    public sealed record Adopt(DeploymentRecord Record) : DeploymentDecision;

    /// <summary>Something happened to the phase from outside.</summary>
    public sealed record Apply(ActResult Result) : DeploymentDecision;

    public sealed record Perform(DeploymentAct Act) : DeploymentDecision;
}

/// <summary>Decides from what is on disk alone, so that a start after a cut decides as the process before it would have.</summary>
internal static class DeploymentRules
{
    /// <param name="now">The fleet's time; null while it is not known, and then no deadline passes.</param>
    public static DeploymentDecision Decide(
        string model, DeploymentRecord? record, DesiredDeployment? desired, long generation, ModelSlots? slots, Func<IEnumerable<Digest>> held, DateTimeOffset? now)
    {
        if (record is null or { Ended: true })
        {
            return desired is null || record?.IsFor(desired) == true
                ? new DeploymentDecision.Idle()
                : new DeploymentDecision.Begin(New(model, record, desired, generation, slots, held()));
        }
        if (record.Phase == DeploymentPhase.RollingBack)
        {
            // Nothing stops a rollback once it is decided.
            return new DeploymentDecision.Perform(DeploymentAct.Restore);
        }
        if (desired is null)
        {
            return new DeploymentDecision.Apply(new ActResult(PhaseOutcome.Superseded, FailureCodes.NotWanted, "the desired state no longer names this model"));
        }
        if (desired.Digest != record.Digest)
        {
            if (record.Before is null && record.Phase >= DeploymentPhase.Activating)
            {
                return Overtake(record, desired);
            }
            if (record is { Phase: DeploymentPhase.Activating, Reason: DesiredReason.Rollback })
            {
                // Back to the end first: what it came from was taken away, and must not serve again on the way to something else.
                return new DeploymentDecision.Perform(DeploymentAct.Activate);
            }
            PhaseOutcome outcome = desired.Reason == DesiredReason.Rollback ? PhaseOutcome.OperatorRollback : PhaseOutcome.Superseded;
            return new DeploymentDecision.Apply(new ActResult(outcome, FailureCodes.NotWanted, $"the desired state names {desired.Digest.Short} now"));
        }
        if (!record.IsFor(desired))
        {
            // Another rollout wants evidence of its own; one that is being activated goes on, and an assignment asks for none.
            bool trialsAgain = record.Phase is DeploymentPhase.Benchmarked or DeploymentPhase.Shadowing
                && desired.Reason == DesiredReason.Rollout && desired.RolloutId.Length > 0;
            return trialsAgain
                ? new DeploymentDecision.Apply(new ActResult(PhaseOutcome.Superseded, FailureCodes.NotWanted, $"rollout '{desired.RolloutId}' begins with it anew"))
                : new DeploymentDecision.Adopt(record with
                {
                    RolloutId = desired.RolloutId,
                    Attempt = desired.Attempt,
                    Reason = desired.Reason,
                    Generation = generation,
                    Plan = desired.Plan,
                    Archived = record.Id,
                });
        }
        if (record.Phase <= DeploymentPhase.Shadowing && !record.Plan.ServePercent.Equals(desired.Plan.ServePercent))
        {
            // The one thing of a plan that moves with the goal.
            return new DeploymentDecision.Adopt(record with { Plan = record.Plan with { ServePercent = desired.Plan.ServePercent } });
        }
        if (desired.Deadline is { } deadline && now > deadline && record.Phase < DeploymentPhase.Activating)
        {
            return new DeploymentDecision.Apply(new ActResult(PhaseOutcome.DeadlinePassed, FailureCodes.DeadlinePassed, $"the deadline was {deadline:u}"));
        }

        DeploymentStep step = DeploymentMachine.Plan(record.Phase, desired.Goal, DeploymentMachine.SkipsTrials(desired, record.Before));
        return step switch
        {
            { Act: DeploymentAct.Park or DeploymentAct.None } => new DeploymentDecision.Idle(),
            { Act: DeploymentAct.Move, MoveBy: { } outcome } => new DeploymentDecision.Apply(new ActResult(outcome)),
            _ => new DeploymentDecision.Perform(step.Act),
        };
    }

    /// <summary>
    /// A first install that serves, or is about to, has nothing to go back to: taking it back for something newer would leave
    /// the device with no model for as long as that takes. It is activated to the end and serves on.
    /// </summary>
    private static DeploymentDecision Overtake(DeploymentRecord record, DesiredDeployment desired) => record.Phase == DeploymentPhase.Activating
        ? new DeploymentDecision.Perform(DeploymentAct.Activate)
        : new DeploymentDecision.Apply(new ActResult(
            PhaseOutcome.Overtaken, FailureCodes.KeptServing, $"the desired state names {desired.Digest.Short} now; {record.Digest.Short} serves until that one does, for the device has no other"));

    private static DeploymentRecord New(
        string model, DeploymentRecord? last, DesiredDeployment desired, long generation, ModelSlots? slots, IEnumerable<Digest> held)
    {
        // Golden is the first digest that ever passed its probation here.
        DeploymentPhase phase = DeploymentMachine.Begin(desired, slots?.Active, held, proven: slots?.Golden is not null);
        return new()
        {
            Model = model,
            Digest = desired.Digest,
            Phase = phase,
            Reason = desired.Reason,
            RolloutId = desired.RolloutId,
            Attempt = desired.Attempt,
            Generation = generation,
            Plan = desired.Plan,
            Before = phase == DeploymentPhase.Probation ? null : slots?.Active,
            PreviousBefore = slots?.Previous,
            GoldenBefore = slots?.Golden,
            Archived = last?.Id ?? "",
        };
    }
}

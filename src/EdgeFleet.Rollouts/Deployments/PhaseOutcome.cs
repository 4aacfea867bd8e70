using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Deployments;

/// <summary>What ended, or happened to, a phase of a deployment.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PhaseOutcome>))]
public enum PhaseOutcome
{
    /// <summary>The phase's act is done.</summary>
    Success,

    /// <summary>The world failed (link, disk, lease): the act is tried again. Counted, so that it ends in <see cref="Failure"/>.</summary>
    Retry,

    /// <summary>The device does not take it, with the numbers: too slow, too big, other hardware. Nothing is wrong with either.</summary>
    Refusal,

    /// <summary>It cannot be done, or was tried too often.</summary>
    Failure,

    /// <summary>NaN, wrong shape, crash, out of memory or over budget, seen in a trial or while serving.</summary>
    InvariantBroken,

    /// <summary>The goal lies at shadowing.</summary>
    ShadowWanted,

    /// <summary>The goal lies at active.</summary>
    ActivationWanted,

    /// <summary>The goal moved back below the phase.</summary>
    GoalLowered,

    /// <summary>The desired state names another digest now.</summary>
    Superseded,

    /// <summary>
    /// The desired state names another digest now, and the candidate is the only model that the device has: it serves on, as
    /// the baseline of what comes.
    /// </summary>
    Overtaken,

    /// <summary>Someone at the device asked for the previous model.</summary>
    OperatorRollback,

    /// <summary>The deployment's deadline is over.</summary>
    DeadlinePassed,

    /// <summary>The agent's process began again and found the deployment in this phase.</summary>
    Restarted,

    /// <summary>A digest that was committed on this device before answers again; it had its probation.</summary>
    KnownGoodServing,

    /// <summary>The model of before answers again after a fault of the candidate.</summary>
    RestoredAfterFault,

    /// <summary>The model of before answers again because the candidate was taken back, not because it failed.</summary>
    RestoredAfterWithdrawal,
}

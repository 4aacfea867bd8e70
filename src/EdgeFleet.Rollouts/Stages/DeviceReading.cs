using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Reads what is known of a drawn device into what the gate judges.</summary>
internal static class DeviceReading
{
    /// <summary>With which a device says that it is in the shadow stage and has no shadow.</summary>
    private const string ShadowAbsentCode = "shadow-absent";

    /// <summary>With which a device says that no maintenance window is open.</summary>
    public const string WaitsForWindowCode = "waits-for-window";

    /// <summary>Where the device stands in the class's present stage, and why.</summary>
    public static (DeviceStanding Standing, string Reason) Standing(
        DeviceProgress device, DeviceView? view, ClassProgress progress, RolloutState state, DateTimeOffset now)
    {
        if (device.Exit is { } exit)
        {
            return (exit.Standing, exit.Reason);
        }
        if (view is null)
        {
            return (DeviceStanding.Missing, "is not enrolled any more");
        }
        if (view.Revoked)
        {
            return (DeviceStanding.Excluded, "was revoked");
        }
        if (view.HardwareClass != progress.HardwareClass)
        {
            return (DeviceStanding.Missing, $"its hardware class changed to {view.HardwareClass}, so its evidence does not compare");
        }
        DeploymentPhase phase = view.Deployment?.Phase ?? DeploymentPhase.Offered;
        string said = view.Deployment is { Code: { } code } report ? $"{code}: {report.Detail}" : view.Deployment?.Detail ?? "";
        if (phase == DeploymentPhase.Refused)
        {
            return (DeviceStanding.Refused, said.Length > 0 ? said : "refused it");
        }
        if (DeploymentMachine.IsFailure(phase))
        {
            return (DeviceStanding.Failed, said.Length > 0 ? $"{phase}: {said}" : $"ended in {phase}");
        }
        StageSpec stage = state.Spec.Stages[Math.Max(device.Stage, 0)];
        bool committedForGood = phase == DeploymentPhase.Committed && stage.Kind == StageKind.Full;
        if (!committedForGood && Silence.Since(view, state.Policy, now) is { } silent)
        {
            return (DeviceStanding.Missing, silent);
        }
        if (Reaches(phase, stage.Goal))
        {
            return (DeviceStanding.Reached, "");
        }
        if (view.Deployment?.Code == WaitsForWindowCode)
        {
            // It may not; the time that it has begins when it may.
            return (DeviceStanding.Working, $"{phase}: {said}");
        }
        return device.AdmittedAt is { } admitted && now - admitted > TimeLimit(stage, state.Policy)
            ? (DeviceStanding.Missing, FormattableString.Invariant($"still {phase} after {(now - admitted).TotalSeconds:0} s (limit {TimeLimit(stage, state.Policy).TotalSeconds:0} s){(said.Length > 0 ? $": {said}" : "")}"))
            : (DeviceStanding.Working, said.Length > 0 ? $"{phase}: {said}" : $"{phase}");
    }

    /// <summary>Time that a device has for what the stage asks.</summary>
    public static TimeSpan TimeLimit(StageSpec stage, PolicySpec policy) =>
        TimeSpan.FromSeconds(policy.Limits.DeviceSeconds + (stage.Goal == DeploymentGoal.Active ? policy.Probation.Seconds : 0));

    /// <summary>What it reported, as long as that compares with what it was drawn for.</summary>
    public static DeploymentReport? Report(DeviceView? view, ClassProgress progress) =>
        view is not null && view.HardwareClass == progress.HardwareClass ? view.Deployment : null;

    public static IReadOnlyList<InvariantFinding> Invariants(DeviceProgress device, DeploymentReport? report, DeviceFaults faults, GateMargins margins) =>
        device.Exit?.Invariants ?? (report is null ? [] : InvariantReading.Of(report, faults, margins));

    /// <summary>The device as the gate sees it, without its evidence.</summary>
    public static GateDevice ForGate(DeviceProgress device, DeviceView? view, ClassProgress progress, RolloutState state, DeviceFaults faults, DateTimeOffset now)
    {
        (DeviceStanding standing, string reason) = Standing(device, view, progress, state, now);
        DeploymentReport? report = Report(view, progress);
        return new GateDevice
        {
            DeviceId = device.DeviceId,
            InCohort = device.Stage == progress.Stage,
            Standing = standing,
            StandingReason = reason,
            Shadowing = report?.Phase == DeploymentPhase.Shadowing,
            ShadowAbsent = report is { Phase: DeploymentPhase.Shadowing, Code: ShadowAbsentCode } ? report.Detail ?? report.Code : null,
            ForeignTicks = report is null ? 0 : faults.ForeignTicks,
            ForeignClass = report is null ? null : faults.ForeignClass,
            Invariants = Invariants(device, report, faults, state.Margins),
            BenchLatencyRatio = report?.Bench?.Latency.Ratio,
        };
    }

    private static bool Reaches(DeploymentPhase phase, DeploymentGoal goal) => phase == DeploymentPhase.Committed || goal switch
    {
        DeploymentGoal.Benchmarked => phase is >= DeploymentPhase.Benchmarked and <= DeploymentPhase.Probation,
        DeploymentGoal.Shadowing => phase is >= DeploymentPhase.Shadowing and <= DeploymentPhase.Probation,
        _ => false,
    };
}

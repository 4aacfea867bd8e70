using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>What each admitted device should do: a function of the state alone.</summary>
public static class Goals
{
    public static IReadOnlyList<DeviceGoal> Of(RolloutState state) =>
    [
        .. from progress in state.Classes
           from device in progress.Devices
           where device.Stage >= 0
           select new DeviceGoal(device.DeviceId, Of(device, progress, state)),
    ];

    /// <summary>Whether the device is told to go back from the candidate, on its own or with its class.</summary>
    public static bool IsTakenBack(DeviceProgress device, ClassProgress progress) =>
        progress.Phase.IsBack() || device.Exit is { Standing: Gating.DeviceStanding.Failed or Gating.DeviceStanding.Harmed };

    private static bool IsBack(this ClassPhase phase) => phase is ClassPhase.RollingBack or ClassPhase.RolledBack or ClassPhase.PartlyCompleted;

    private static DesiredDeployment? Of(DeviceProgress device, ClassProgress progress, RolloutState state)
    {
        bool classBack = progress.Phase.IsBack();
        bool aside = device.Exit is not null || progress.Phase == ClassPhase.Refused;
        if (!classBack && !aside)
        {
            return Candidate(device, state);
        }
        if (device.Before is not { } before)
        {
            return null;
        }
        // A device that refused was never changed: it is told to keep what it has, and nothing is barred.
        bool kept = !classBack && (device.Exit is null || device.Exit.Standing.IsUnchanged());
        return new DesiredDeployment
        {
            Model = state.Spec.Model,
            Digest = before,
            Goal = DeploymentGoal.Active,
            Reason = kept ? DesiredReason.Assignment : DesiredReason.Rollback,
            RolloutId = state.RolloutId,
            Attempt = state.Spec.Attempt,
            Plan = Plan(device, state),
        };
    }

    private static DesiredDeployment Candidate(DeviceProgress device, RolloutState state) => new()
    {
        Model = state.Spec.Model,
        Digest = state.Spec.Candidate,
        Goal = state.Spec.Stages[device.Stage].Goal,
        Reason = DesiredReason.Rollout,
        RolloutId = state.RolloutId,
        Attempt = state.Spec.Attempt,
        Plan = Plan(device, state) with { ServePercent = state.Spec.Stages[device.Stage].Requests ?? 0 },
    };

    private static bool IsUnchanged(this Gating.DeviceStanding standing) =>
        standing is Gating.DeviceStanding.Refused or Gating.DeviceStanding.Excluded;

    private static TrialPlan Plan(DeviceProgress device, RolloutState state)
    {
        PolicySpec policy = state.Policy;
        return new TrialPlan
        {
            Install = state.Spec.Strategy == RolloutStrategy.Install,
            AgreementGates = state.Spec.Compare == CompareMode.Equivalence,
            BenchBlocks = device.FullBench ? policy.Bench.Blocks : policy.Bench.ShortBlocks,
            BenchFull = device.FullBench,
            BenchBlockMs = policy.Bench.BlockMilliseconds,
            BenchWarmUpMs = policy.Bench.WarmUpMilliseconds,
            BenchLatencyMargin = policy.Margins.LatencyP50Percent / 100,
            BenchMemoryMargin = policy.Margins.MemoryPeakPercent / 100,
            BenchEnergyMargin = policy.Margins.EnergyPercent / 100,
            ShadowTickMs = policy.Evidence.TickMilliseconds,
            ShadowSamplingShare = policy.Evidence.SamplingPercent / 100,
            ShadowNoiseShare = policy.Evidence.NoisePercent / 100,
            ShadowMaxPerSecond = policy.Evidence.MaximumPairsPerSecond,
            ShadowTaxBudget = policy.Evidence.ShadowTaxPercent / 100,
            ShadowLatencyP95Margin = policy.Margins.LatencyP95Percent / 100,
            ShadowLatencyP99Margin = policy.Margins.LatencyP99Percent / 100,
            ShadowSlices = policy.Evidence.Slices,
            WorkerMemoryBytes = (long)policy.Limits.WorkerMemoryMiB << 20,
            ProbationSeconds = policy.Probation.Seconds,
            ProbationMaxFailures = policy.Probation.MaximumFailedRequests,
            Maintenance = policy.Maintenance,
        };
    }
}

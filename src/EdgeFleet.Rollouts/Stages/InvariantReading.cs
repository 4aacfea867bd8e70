using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Finds broken invariants in what a device reported: its ticks, its probation and how its deployment ended.</summary>
internal static class InvariantReading
{
    public static IReadOnlyList<InvariantFinding> Of(DeploymentReport report, DeviceFaults faults, GateMargins margins)
    {
        List<InvariantFinding> found = [];
        Count(found, InvariantKind.ModelCrashed, faults.Crashed, "shadow worker died");
        Count(found, InvariantKind.OutOfMemory, faults.OutOfMemory, "out of memory in the shadow");
        Count(found, InvariantKind.NonFinite, faults.NonFinite, "outputs with NaN or infinity in the shadow");
        Count(found, InvariantKind.WrongShape, faults.WrongShape, "outputs of a wrong shape in the shadow");
        Count(found, InvariantKind.InferenceFailed, faults.Failures, "failed inferences in the shadow");
        // A worker that cannot read its own peak does not compare: a shadow without one has no ticks.
        if (faults.PeakBytes is { } peak && peak > margins.WorkerMemoryBytes)
        {
            found.Add(new InvariantFinding(InvariantKind.OverMemoryBudget, 1, $"{peak >> 20} MiB in the shadow, budget {margins.WorkerMemoryBytes >> 20} MiB"));
        }
        if (report.Probation is { } probation)
        {
            Count(found, InvariantKind.NonFinite, probation.NonFinite, "outputs with NaN or infinity while serving");
            Count(found, InvariantKind.WrongShape, probation.WrongShape, "outputs of a wrong shape while serving");
        }
        if (EndedByInvariant(report) is { } kind)
        {
            found.Add(new InvariantFinding(kind, 1, string.Join(": ", new[] { report.Code, report.Detail ?? $"{report.Phase}" }.Where(t => t is not null))));
        }
        return found;
    }

    private static InvariantKind? EndedByInvariant(DeploymentReport report)
    {
        if (!DeploymentMachine.IsFailure(report.Phase))
        {
            return null;
        }
        // A candidate that got as far as serving and was taken back by the device broke something, unless the device says
        // that it was not the candidate.
        return InvariantKinds.FromCode(report.Code)
            ?? (report.InvariantBroken ? InvariantKind.Other
                : report.Phase != DeploymentPhase.FailedUnchanged && !InvariantKinds.IsOfTheWorld(report.Code) ? InvariantKind.RolledBackLocally
                : null);
    }

    private static void Count(List<InvariantFinding> found, InvariantKind kind, long count, string what)
    {
        if (count > 0)
        {
            found.Add(new InvariantFinding(kind, count, $"{count} x {what}"));
        }
    }
}

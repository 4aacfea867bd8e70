using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>One look at one hardware class. Returns the same instance when nothing changes.</summary>
internal sealed class ClassReconciler(
    RolloutState state, RolloutWorld world, IReadOnlyDictionary<string, DeviceView> views, DecisionLog log)
{
    // A class whose first devices all refuse is not tried to the end: what refuses them is the hardware that they share.
    private const int RefusalsPerBenchDevice = 3;

    private RolloutSpec Spec => state.Spec;

    public ClassProgress Step(ClassProgress progress)
    {
        if (progress.Phase == ClassPhase.RollingBack)
        {
            return Back(progress);
        }
        if (StageTransitions.IsEnd(progress.Phase) || progress.NotBegun)
        {
            return progress;
        }
        progress = AfterWindows(progress);
        progress = Exits(progress);
        if (RefusedByAll(progress) is { } refusal)
        {
            return Move(progress, StageOutcome.AllRefused, "classRefused", refusal);
        }
        progress = Admit(progress);
        (progress, string waitsFor) = Calibrate(progress);

        GateInput input = Input(progress, waitsFor);
        GateVerdict verdict = Gate.Evaluate(input);
        log.Current(verdict);
        if (verdict.Decision == GateDecision.Rollback)
        {
            progress = Store(progress, input, verdict);
            return Move(progress, StageOutcome.Harm, "classTakenBack", verdict.Reason);
        }
        ClassProgress withoutHarmed = HarmedAlone(progress, verdict);
        if (!ReferenceEquals(withoutHarmed, progress))
        {
            return Store(withoutHarmed, input, verdict);
        }
        if (progress.Devices.All(d => d.Exit is not null))
        {
            log.Verdict(new StoredVerdict(input, verdict));
            return Move(progress, StageOutcome.Harm, "classTakenBack", "no device is left: " + string.Join(", ", progress.Devices.GroupBy(d => d.Exit!.Standing).Select(g => $"{g.Count()} {g.Key}")));
        }
        progress = Store(progress, input, verdict);
        if (progress.Phase == ClassPhase.Running)
        {
            if (verdict.Decision == GateDecision.Promote && !Paused(progress))
            {
                return Promote(progress, verdict.Reason);
            }
            progress = Because(progress, verdict.Reason);
            if (!progress.Devices.Any(d => d.IsFor(progress.Stage)))
            {
                return Move(progress, StageOutcome.TimeOver, "stageInconclusive",
                    $"no device of this class matches '{StageOf(progress).Selector}', so nothing is tried here; waits for a person, who approves to go on without");
            }
            if (NoShadowToWaitFor(input))
            {
                return Move(progress, StageOutcome.TimeOver, "stageInconclusive", $"no device of the class can bring what this stage asks for, so a person decides ('edgefleet rollout approve {Spec.Name}' goes on by benchmark and probation alone, 'abort' ends it). It {verdict.Reason}");
            }
            if (world.Now - progress.StageStartedAt > TimeSpan.FromSeconds(state.Policy.Limits.StageSeconds))
            {
                return Move(progress, StageOutcome.TimeOver, "stageInconclusive", FormattableString.Invariant($"no decision within {state.Policy.Limits.StageSeconds} s; waits for a person. It {verdict.Reason}"));
            }
        }
        return progress;
    }

    /// <summary>Puts the class into the stage with this number.</summary>
    public static ClassProgress Enter(ClassProgress progress, int stage, ClassPhase phase, DateTimeOffset now) =>
        progress with { Phase = phase, Stage = stage, NotBegun = false, StageStartedAt = now, LastVerdict = "", HoldsSaid = [], Approvals = null };

    // Once all that could still come has come: then only a person can go on, and a week of waiting would tell nothing.
    private static bool NoShadowToWaitFor(GateInput input)
    {
        List<GateDevice> cohort = [.. input.Devices.Where(d => d.InCohort && d.Standing is DeviceStanding.Working or DeviceStanding.Reached)];
        return input.Stage == StageKind.Shadow && cohort.Count > 0 && cohort.TrueForAll(d => d.ShadowAbsent is not null) && input.EvaluatedAt - input.StageStartedAt >= input.Soak;
    }

    private bool Paused(ClassProgress progress) => state.Paused || progress.Paused;

    private StageSpec StageOf(ClassProgress progress) => Spec.Stages[progress.Stage];

    private GateInput Input(ClassProgress progress, string waitsFor)
    {
        List<GateDevice> devices = [.. progress.Devices.Where(d => d.Stage >= 0).Select(d => Read(d, progress))];
        HashSet<string> aside = Aside(progress, devices);
        ClassFold? judged = progress.Calibration is { } calibration ? Reports(progress).Judged(calibration, aside) : null;
        return new GateInput
        {
            RolloutId = state.RolloutId,
            Attempt = Spec.Attempt,
            HardwareClass = progress.HardwareClass,
            Stage = StageOf(progress).Kind,
            StageIndex = progress.Stage,
            Margins = state.Margins,
            MarginsHash = state.MarginsHash,
            ClassSize = progress.Devices.Count,
            Calibration = progress.Calibration,
            CalibrationWaitsFor = waitsFor,
            Ticks = judged?.Ticks,
            ReportsThrough = judged is null ? 0 : Reports(progress).Through,
            Aside = judged is null ? [] : [.. aside.Order(StringComparer.Ordinal)],
            Devices = judged is null ? devices : [.. devices.Select(d => d with { Evidence = judged.Of(d.DeviceId) })],
            StageStartedAt = progress.StageStartedAt,
            RequestPercent = StageOf(progress).Requests,
            Soak = state.Policy.SoakOf(StageOf(progress).Kind),
            EvaluatedAt = world.Now,
        };
    }

    // A device that was taken back alone has been answered for, and one that is other hardware now compares with nothing here.
    private HashSet<string> Aside(ClassProgress progress, List<GateDevice> devices)
    {
        HashSet<string> aside = new(StringComparer.Ordinal);
        foreach (GateDevice device in devices)
        {
            if (device.Standing.IsAside() || DeviceReading.Report(views.GetValueOrDefault(device.DeviceId), progress) is null)
            {
                aside.Add(device.DeviceId);
            }
        }
        return aside;
    }

    private GateDevice Read(DeviceProgress device, ClassProgress progress) =>
        DeviceReading.ForGate(device, View(device), progress, state, Reports(progress).FaultsOf(device.DeviceId), world.Now);

    private ClassReports Reports(ClassProgress progress) => world.Evidence.Of(progress.HardwareClass);

    private DeviceView? View(DeviceProgress device) => views.GetValueOrDefault(device.DeviceId);

    // A device has its time for what it may do: the wait for its maintenance window is not part of it.
    private ClassProgress AfterWindows(ClassProgress progress)
    {
        DeviceProgress[]? devices = null;
        for (int i = 0; i < progress.Devices.Count; i++)
        {
            DeviceProgress device = progress.Devices[i];
            bool waits = device.Exit is null && View(device)?.Deployment?.Code == DeviceReading.WaitsForWindowCode;
            if (waits != device.WaitsForWindow)
            {
                devices ??= [.. progress.Devices];
                devices[i] = device with { WaitsForWindow = waits, AdmittedAt = waits ? device.AdmittedAt : world.Now };
            }
        }
        return devices is null ? progress : progress with { Devices = devices };
    }

    // What a device said for good stays said: a later report cannot bring it back into the rollout.
    private ClassProgress Exits(ClassProgress progress)
    {
        DeviceProgress[]? devices = null;
        for (int i = 0; i < progress.Devices.Count; i++)
        {
            DeviceProgress device = progress.Devices[i];
            if (device.Exit is not null || (device.Stage < 0 && View(device) is not { Revoked: true }))
            {
                continue;
            }
            GateDevice read = Read(device, progress);
            (DeviceStanding standing, string reason) = (read.Standing, read.StandingReason);
            // One broken invariant takes its device back at once, whatever the device itself makes of it.
            if (read.Invariants.Count > 0 && standing != DeviceStanding.Excluded)
            {
                standing = DeviceStanding.Failed;
                reason = reason.Length > 0 ? reason : $"broke an invariant: {read.Invariants[0].Detail}";
            }
            if (standing is DeviceStanding.Refused or DeviceStanding.Failed or DeviceStanding.Excluded)
            {
                devices ??= [.. progress.Devices];
                devices[i] = device with { Exit = new DeviceExit(standing, reason, world.Now, read.Invariants) };
                log.Event(progress.HardwareClass, $"device{standing}", $"{device.DeviceId}: {reason}");
            }
        }
        return devices is null ? progress : progress with { Devices = devices };
    }

    private ClassProgress Admit(ClassProgress progress)
    {
        if (progress.Phase != ClassPhase.Running || Paused(progress))
        {
            return progress;
        }
        StageSpec stage = StageOf(progress);
        int wanted = CohortSizes.Of(stage, progress.Stage, progress.Devices);
        DeviceProgress[]? devices = null;
        int taken = 0;
        // Those that were taken stay; then, in the frozen order, those that are on line, and those that are not only where the
        // others are too few: a stage would wait for them until they are back.
        foreach (int i in Enumerable.Range(0, progress.Devices.Count).Where(i => progress.Devices[i].IsFor(progress.Stage)).OrderBy(i => Rank(progress.Devices[i])).TakeWhile(_ => taken < wanted))
        {
            DeviceProgress device = progress.Devices[i];
            // A device that failed keeps its place: replacing it would let a broken candidate walk through the class.
            taken += device.Exit is null || (device.Exit.Standing == DeviceStanding.Failed && device.Stage == progress.Stage) ? 1 : 0;
            if (device.Exit is null && device.Stage < progress.Stage)
            {
                devices ??= [.. progress.Devices];
                devices[i] = device with { Stage = progress.Stage, AdmittedAt = world.Now, FullBench = device.FullBench || stage.Kind == StageKind.Bench };
            }
        }
        if (devices is null)
        {
            return progress;
        }
        int admitted = devices.Count(d => d.Stage == progress.Stage);
        log.Event(progress.HardwareClass, "devicesAdmitted", $"{StageRules.Names[(int)stage.Kind]}: {admitted} of {devices.Length} device(s)");
        return progress with { Devices = devices };
    }

    private int Rank(DeviceProgress device) =>
        device.Stage >= 0 ? 0 : View(device) is { } view && Silence.IsHeard(view, world.Now) ? 1 : 2;

    private (ClassProgress Progress, string WaitsFor) Calibrate(ClassProgress progress)
    {
        if (progress.Calibration is not null || Spec.Strategy == RolloutStrategy.Install || StageOf(progress).Kind < StageKind.Shadow)
        {
            return (progress, "");
        }
        if (Reports(progress).TryFreeze(out string waitsFor) is not { } calibration)
        {
            return (progress, waitsFor);
        }
        log.Event(progress.HardwareClass, "noiseCalibrated", FormattableString.Invariant(
            $"baseline against itself: {calibration.NoiseDisagreements} of {calibration.NoisePairs} pairs disagree; latency range +/-{calibration.LatencyWidthLogRatio:0.###}"));
        return (progress with { Calibration = calibration }, "");
    }

    // In a census each device is decided on its own pairs, so one that is harmed goes back alone.
    private ClassProgress HarmedAlone(ClassProgress progress, GateVerdict verdict)
    {
        Dictionary<string, DeviceVerdict> harmed = verdict.Devices.Where(d => d.Decision == GateDecision.Rollback).ToDictionary(d => d.DeviceId, StringComparer.Ordinal);
        if (harmed.Count == 0)
        {
            return progress;
        }
        DeviceProgress[] devices = [.. progress.Devices];
        for (int i = 0; i < devices.Length; i++)
        {
            if (devices[i].Exit is null && harmed.TryGetValue(devices[i].DeviceId, out DeviceVerdict? said))
            {
                devices[i] = devices[i] with { Exit = new DeviceExit(DeviceStanding.Harmed, said.Reason, world.Now, []) };
                log.Event(progress.HardwareClass, "deviceHarmed", $"{devices[i].DeviceId}: {said.Reason}");
            }
        }
        return progress with { Devices = devices };
    }

    private string? RefusedByAll(ClassProgress progress)
    {
        if (progress.Phase is not (ClassPhase.Running or ClassPhase.Inconclusive))
        {
            return null;
        }
        int refused = progress.Devices.Count(d => d.Exit?.Standing is DeviceStanding.Refused or DeviceStanding.Excluded);
        if (refused == progress.Devices.Count)
        {
            return $"all {refused} device(s) refused";
        }
        StageSpec stage = StageOf(progress);
        bool census = progress.Devices.Count < GateRules.Current.CensusBelowDevices;
        bool anyFit = progress.Devices.Any(d => d.Exit is null && View(d)?.Deployment is { Phase: >= DeploymentPhase.Benchmarked });
        return !census && !anyFit && stage.Kind == StageKind.Bench && refused >= RefusalsPerBenchDevice * CohortSizes.Of(stage, progress.Stage, progress.Devices)
            ? $"the first {refused} device(s) of {progress.Devices.Count} refused"
            : null;
    }

    private ClassProgress Promote(ClassProgress progress, string reason)
    {
        int next = progress.Stage + 1;
        if (next == Spec.Stages.Count)
        {
            return Move(progress, StageOutcome.PromoteLast, "classCompleted", reason);
        }
        string name = StageRules.Names[(int)Spec.Stages[next].Kind];
        if (Spec.Stages[next].Approval)
        {
            return Move(progress, StageOutcome.PromoteToApproval, "awaitingApproval", $"{name} waits for {Spec.Stages[next].ApprovalAsked}; {reason}");
        }
        progress = Move(progress, StageOutcome.Promote, "stagePromoted", $"on to {name}: {reason}");
        return Enter(progress, next, progress.Phase, world.Now);
    }

    /// <summary>
    /// A device that does not follow must not keep its class, and with it the next rollout of the model, waiting for ever: it
    /// has been told, its desired state stays written, and an operator's rollback finds it by what it says that it serves.
    /// </summary>
    public static TimeSpan BackLimit(PolicySpec policy) => TimeSpan.FromSeconds(policy.Limits.DeviceSeconds);

    private ClassProgress Back(ClassProgress progress)
    {
        if (progress.BackSince is null)
        {
            // Saved by a controller that did not write it down.
            return progress with { BackSince = world.Now };
        }
        List<string> waiting = [];
        List<string> silent = [];
        List<string> keep = [];
        foreach (DeviceProgress device in progress.Devices.Where(d => d.Stage >= 0))
        {
            DeviceView? view = View(device);
            if (view is null || view.Revoked)
            {
                continue;
            }
            bool moving = view.Deployment?.Phase is DeploymentPhase.Activating or DeploymentPhase.Probation or DeploymentPhase.RollingBack;
            // An install has nothing to go back to: a device that committed it keeps it, or it would serve nothing.
            bool serves = device.Before is not null && view.Active == Spec.Candidate;
            if (device.Before is null && view.Active == Spec.Candidate)
            {
                keep.Add(device.DeviceId);
            }
            if (moving || serves)
            {
                (Silence.Since(view, state.Policy, world.Now) is null ? waiting : silent).Add(device.DeviceId);
            }
        }
        if (waiting.Count > 0 && !progress.LetGo && world.Now - progress.BackSince <= BackLimit(state.Policy))
        {
            return progress;
        }
        string left = silent.Count == 0 ? "" : $"; off line and told to follow: {Named(silent)}";
        string told = waiting.Count == 0 ? "every device that can be reached is back"
            : FormattableString.Invariant($"not waited for any longer {(progress.LetGo ? "because a person said so" : $"after {BackLimit(state.Policy).TotalSeconds:0} s")}: told to go back and not back yet: {Named(waiting)} ('edgefleet rollback {Spec.Model} --from {Spec.Candidate}' tells them again)");
        return keep.Count == 0
            ? Move(progress, StageOutcome.AllBack, "classRolledBack", $"{told}{left}. {progress.Reason}")
            : Move(progress, StageOutcome.SomeKeep, "classKeepsInPart", $"{keep.Count} of {progress.Devices.Count} device(s) keep it, having no model of before to go back to: {Named(keep)}{(waiting.Count == 0 ? "" : $"; {told}")}{left}. {progress.Reason}");
    }

    private static string Named(List<string> devices) => string.Join(", ", devices.Take(5)) + (devices.Count > 5 ? $" and {devices.Count - 5} more" : "");

    private ClassProgress Move(ClassProgress progress, StageOutcome outcome, string kind, string reason)
    {
        log.Event(progress.HardwareClass, kind, reason);
        ClassPhase next = StageTransitions.Next(progress.Phase, outcome);
        return progress with { Phase = next, BackSince = next == ClassPhase.RollingBack ? progress.BackSince ?? world.Now : progress.BackSince, Reason = reason };
    }

    // The numbers in a reason change with every tick; the state keeps the first of each kind, the log the verdict. What a
    // verdict does to a device is always something new; what it says beyond that, only while it can move the class.
    private ClassProgress Store(ClassProgress progress, GateInput input, GateVerdict verdict)
    {
        bool running = progress.Phase == ClassPhase.Running || verdict.Decision == GateDecision.Rollback;
        string outcomes = Outcomes(verdict);
        string key = $"{verdict.StageIndex}/{verdict.Kind}/{verdict.Decision}/{string.Join(',', verdict.Missing.Select(m => m.Code).Distinct().Order(StringComparer.Ordinal))}";
        if ((key == progress.LastVerdict || !running) && outcomes == progress.LastOutcomes)
        {
            return progress;
        }
        bool holds = verdict.Decision == GateDecision.Hold;
        bool said = holds && outcomes == progress.LastOutcomes && progress.HoldsSaid.Contains(key, StringComparer.Ordinal);
        if (!said)
        {
            log.Verdict(new StoredVerdict(input, verdict));
        }
        return progress with
        {
            LastVerdict = key,
            LastOutcomes = outcomes,
            HoldsSaid = holds && !said ? [.. progress.HoldsSaid.Append(key).Distinct(StringComparer.Ordinal)] : progress.HoldsSaid,
            Reason = running ? verdict.Reason : progress.Reason,
        };
    }

    private static string Outcomes(GateVerdict verdict) => string.Join(',', verdict.Devices
        .Where(d => d.Invariants.Count > 0 || d.Decision == GateDecision.Rollback || d.Standing == DeviceStanding.Harmed)
        .Select(d => $"{d.DeviceId}:{(d.Invariants.Count > 0 ? "broken" : "harmed")}").Order(StringComparer.Ordinal));

    private static ClassProgress Because(ClassProgress progress, string reason) =>
        progress.Reason.Length > 0 ? progress : progress with { Reason = reason };
}

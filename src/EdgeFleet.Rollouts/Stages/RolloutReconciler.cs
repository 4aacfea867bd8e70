using System.Diagnostics;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// The rollout's rules, pure: from the saved state and the world to the next state and what every device should do. The
/// same state and world give the same decision, and a second look at the same world changes nothing.
/// </summary>
public static class RolloutReconciler
{
    /// <summary>Looks at the world once.</summary>
    public static RolloutDecision Decide(RolloutState state, RolloutWorld world)
    {
        DecisionLog log = new(world.Now);
        RolloutState next = StageTransitions.IsEnd(state.Phase) ? state : Settle(state, world, log);
        return new RolloutDecision
        {
            Next = next,
            Changed = !ReferenceEquals(next, state),
            Goals = Goals.Of(next),
            Current = log.Latest,
            Verdicts = log.Verdicts,
            Events = log.Events,
            Assignments = Assignments(next),
            WakeAt = WakeTimes.Next(next, world),
        };
    }

    /// <summary>Applies what a person asked. The next <see cref="Decide"/> acts on it.</summary>
    public static CommandResult Apply(RolloutState state, OperatorCommand command) => OperatorCommands.Apply(state, command);

    private static RolloutState Settle(RolloutState state, RolloutWorld world, DecisionLog log)
    {
        Dictionary<string, DeviceView> views = world.Devices.ToDictionary(d => d.DeviceId, StringComparer.Ordinal);
        RolloutState next = Enrol(state.Commanded ? state with { Commanded = false } : state, world, log);
        world.Evidence.Read(next, world.Ticks);
        // Each pass moves a class at most one step; a class has few, and none leads back.
        for (int pass = 0; pass < 16 + (8 * next.Spec.Stages.Count) + next.Classes.Sum(c => c.Devices.Count); pass++)
        {
            RolloutState before = next;
            next = StepClasses(next, new ClassReconciler(next, world, views, log), log);
            if (ReferenceEquals(next, before))
            {
                return Conclude(next, log);
            }
        }
        throw new UnreachableException($"rollout '{state.RolloutId}' does not settle");
    }

    private static RolloutState Enrol(RolloutState state, RolloutWorld world, DecisionLog log)
    {
        if (state.Phase != RolloutPhase.Pending || state.Paused || state.AbortRequested)
        {
            return state;
        }
        (IReadOnlyList<ClassProgress> classes, IReadOnlyList<NotDrawn> notDrawn) = Enrolment.Draw(state, world);
        if (classes.Count == 0)
        {
            // Waits, rather than completing over nothing; the reason is saved once, not with every look.
            string reason = notDrawn.Count == 0 ? "no device matches the selector" : $"{notDrawn.Count} device(s) match, none can be drawn: {notDrawn[0].DeviceId} {notDrawn[0].Reason}";
            return reason == state.Reason ? state : state with { Reason = reason, NotDrawn = notDrawn };
        }
        log.Event("", "devicesDrawn", $"{classes.Sum(c => c.Devices.Count)} device(s) in {classes.Count} hardware class(es); {notDrawn.Count} not drawn");
        return state with { Phase = RolloutPhase.Running, Classes = classes, NotDrawn = notDrawn, Reason = "" };
    }

    private static RolloutState StepClasses(RolloutState state, ClassReconciler reconciler, DecisionLog log)
    {
        ClassProgress[]? classes = null;
        for (int i = 0; i < state.Classes.Count; i++)
        {
            ClassProgress stepped = reconciler.Step(state.Classes[i]);
            if (!ReferenceEquals(stepped, state.Classes[i]))
            {
                classes ??= [.. state.Classes];
                classes[i] = stepped;
            }
        }
        RolloutState next = classes is null ? state : state with { Classes = classes };
        return state.Policy.OnHarm == HarmResponse.RollbackRollout ? TakeAllBack(next, log) : next;
    }

    // One class's harm takes the others with it, also those that are done, while the rollout is not.
    private static RolloutState TakeAllBack(RolloutState state, DecisionLog log)
    {
        ClassProgress? first = state.Classes.FirstOrDefault(c => c.Phase is ClassPhase.RollingBack or ClassPhase.RolledBack or ClassPhase.PartlyCompleted);
        if (first is null || state.AbortRequested)
        {
            return state;
        }
        ClassProgress[]? classes = null;
        for (int i = 0; i < state.Classes.Count; i++)
        {
            if (state.Classes[i].Phase is not (ClassPhase.RollingBack or ClassPhase.RolledBack or ClassPhase.PartlyCompleted or ClassPhase.Refused))
            {
                classes ??= [.. state.Classes];
                string reason = $"taken back with class {first.HardwareClass}: {first.Reason}";
                log.Event(classes[i].HardwareClass, "classTakenBack", reason);
                classes[i] = classes[i] with { Phase = StageTransitions.Next(classes[i].Phase, StageOutcome.Harm), BackSince = log.Now, Reason = reason };
            }
        }
        return classes is null ? state : state with { Classes = classes };
    }

    private static RolloutState Conclude(RolloutState state, DecisionLog log)
    {
        RolloutPhase phase = PhaseOf(state);
        if (phase == state.Phase)
        {
            return state;
        }
        string reason = phase == RolloutPhase.Running ? "" : string.Join("; ", state.Classes.Select(c => c.Reason.Length > 0 ? $"{c.HardwareClass}: {c.Reason}" : $"{c.HardwareClass}: {c.Phase}"));
        log.Event("", $"rollout{phase}", reason.Length > 0 ? reason : $"{phase}");
        return state with { Phase = phase, Reason = reason };
    }

    private static RolloutPhase PhaseOf(RolloutState state)
    {
        if (state.Classes.Count == 0)
        {
            return state.AbortRequested ? RolloutPhase.Aborted : RolloutPhase.Pending;
        }
        if (state.Classes.Any(c => c.Phase is ClassPhase.Running or ClassPhase.AwaitingApproval or ClassPhase.Inconclusive))
        {
            return RolloutPhase.Running;
        }
        if (state.Classes.Any(c => c.Phase == ClassPhase.RollingBack))
        {
            return RolloutPhase.RollingBack;
        }
        bool completed = state.Classes.Any(c => c.Phase is ClassPhase.Completed or ClassPhase.PartlyCompleted);
        bool back = state.Classes.Any(c => c.Phase is ClassPhase.RolledBack or ClassPhase.PartlyCompleted);
        return state.AbortRequested ? RolloutPhase.Aborted
            : completed && back ? RolloutPhase.PartlyCompleted
            : completed ? RolloutPhase.Completed
            : back ? RolloutPhase.RolledBack
            : RolloutPhase.Refused;
    }

    private static IReadOnlyList<AssignmentChange> Assignments(RolloutState state)
    {
        if (state.Phase is not (RolloutPhase.Completed or RolloutPhase.PartlyCompleted))
        {
            return [];
        }
        List<ClassProgress> done = [.. state.Classes.Where(c => c.Phase == ClassPhase.Completed)];
        if (done.Count == 0)
        {
            return [];
        }
        string selector = state.Spec.Selector;
        if (done.Count < state.Classes.Count)
        {
            string classes = $"hardwareClass in ({string.Join(", ", done.Select(c => $"\"{c.HardwareClass}\""))})";
            selector = string.IsNullOrWhiteSpace(selector) ? classes : $"({selector}) and {classes}";
        }
        return [new AssignmentChange(state.Spec.Model, selector, state.Spec.Candidate)];
    }
}

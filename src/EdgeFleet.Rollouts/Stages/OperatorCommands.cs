namespace EdgeFleet.Rollouts.Stages;

/// <summary>Whether a command had something to act on.</summary>
/// <param name="State">The state to save; the same instance when nothing changed.</param>
/// <param name="Changed">Whether anything changed.</param>
/// <param name="Message">What happened, or why nothing did.</param>
public sealed record CommandResult(RolloutState State, bool Changed, string Message);

/// <summary>What a person may do to a rollout. A command that has happened already changes nothing.</summary>
internal static class OperatorCommands
{
    public static CommandResult Apply(RolloutState state, OperatorCommand command)
    {
        if (StageTransitions.IsEnd(state.Phase))
        {
            return new CommandResult(state, false, $"rollout '{state.Spec.Name}' is over: {state.Phase}");
        }
        if (command.HardwareClass is { } named && state.Classes.All(c => c.HardwareClass != named))
        {
            return new CommandResult(state, false, $"rollout '{state.Spec.Name}' has no hardware class '{named}'");
        }
        CommandResult result = command.Act switch
        {
            OperatorAct.Approve => Approve(state, command),
            OperatorAct.Pause => Pause(state, command, true),
            OperatorAct.Resume => Pause(state, command, false),
            _ => Abort(state, command),
        };
        return result.Changed ? result with { State = result.State with { Commanded = true } } : result;
    }

    private static CommandResult Approve(RolloutState state, OperatorCommand command) => Each(state, command, "waits for an approval", progress =>
    {
        if (progress.Phase is not (ClassPhase.AwaitingApproval or ClassPhase.Inconclusive))
        {
            return progress;
        }
        string reason = $"approved by {Who(command)}";
        int next = progress.NotBegun ? progress.Stage : progress.Stage + 1;
        return next == state.Spec.Stages.Count
            ? progress with { Phase = StageTransitions.Next(progress.Phase, StageOutcome.ApproveLast), Reason = reason }
            : ClassReconciler.Enter(progress, next, StageTransitions.Next(progress.Phase, StageOutcome.Approve), command.At) with { Reason = reason };
    });

    private static CommandResult Pause(RolloutState state, OperatorCommand command, bool paused)
    {
        CommandResult classes = Each(state, command, paused ? "goes on" : "waits", progress =>
        {
            ClassProgress next = command.HardwareClass is not null && progress.Paused != paused ? progress with { Paused = paused } : progress;
            // A whole resume also ends the pauses of single classes, and gives inconclusive stages their time again.
            next = !paused && next.Paused ? next with { Paused = false } : next;
            return !paused && next.Phase == ClassPhase.Inconclusive
                ? ClassReconciler.Enter(next, next.Stage, StageTransitions.Next(next.Phase, StageOutcome.Resume), command.At) with { Reason = $"resumed by {Who(command)}" }
                : next;
        });
        bool whole = command.HardwareClass is null && state.Paused != paused;
        return whole
            ? new CommandResult(classes.State with { Paused = paused }, true, paused ? "paused" : "resumed")
            : classes with { Message = classes.Changed ? (paused ? "paused" : "resumed") : $"rollout '{state.Spec.Name}' {(paused ? "is paused already" : "does not wait for a resume")}" };
    }

    private static CommandResult Abort(RolloutState state, OperatorCommand command)
    {
        string reason = $"aborted by {Who(command)}";
        // Every device of a class that is being taken back has been told; what is left to a person is not to wait for them.
        CommandResult classes = Each(state, command, "can be aborted", progress =>
            !StageTransitions.Table.TryGetValue((progress.Phase, StageOutcome.Abort), out ClassPhase next) ? progress
            : progress.Phase != ClassPhase.RollingBack ? progress with { Phase = next, BackSince = command.At, Reason = reason }
            : progress.LetGo ? progress
            : progress with { LetGo = true });
        return command.HardwareClass is null && !state.AbortRequested
            ? new CommandResult(classes.State with { AbortRequested = true, Reason = reason }, true, reason)
            : classes;
    }

    private static CommandResult Each(RolloutState state, OperatorCommand command, string what, Func<ClassProgress, ClassProgress> act)
    {
        List<string> changed = [];
        ClassProgress[] classes = [.. state.Classes];
        for (int i = 0; i < classes.Length; i++)
        {
            ClassProgress acted = command.HardwareClass is null || command.HardwareClass == classes[i].HardwareClass ? act(classes[i]) : classes[i];
            if (!ReferenceEquals(acted, classes[i]))
            {
                changed.Add(classes[i].HardwareClass);
                classes[i] = acted;
            }
        }
        return changed.Count == 0
            ? new CommandResult(state, false, $"no hardware class of rollout '{state.Spec.Name}' {what}")
            : new CommandResult(state with { Classes = classes }, true, $"{command.Act}: {string.Join(", ", changed)}");
    }

    private static string Who(OperatorCommand command) =>
        (command.By.Length > 0 ? command.By : "an operator") + (command.Reason.Length > 0 ? $": {command.Reason}" : "");
}

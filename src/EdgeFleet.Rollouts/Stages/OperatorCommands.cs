using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Whether a command had something to act on.</summary>
/// <param name="State">The state to save; the same instance when nothing changed.</param>
/// <param name="Changed">Whether anything changed.</param>
/// <param name="Message">What happened, or why nothing did.</param>
/// <param name="Denied">Nothing changed because this person may not do it.</param>
public sealed record CommandResult(RolloutState State, bool Changed, string Message, bool Denied = false);

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

    private static CommandResult Approve(RolloutState state, OperatorCommand command)
    {
        List<string> denied = [];
        List<string> told = [];
        CommandResult result = Each(state, command, "waits for an approval", progress =>
        {
            if (progress.Phase is not (ClassPhase.AwaitingApproval or ClassPhase.Inconclusive))
            {
                return progress;
            }
            int next = progress.NotBegun ? progress.Stage : progress.Stage + 1;
            if (next == state.Spec.Stages.Count)
            {
                return progress with { Phase = StageTransitions.Next(progress.Phase, StageOutcome.ApproveLast), Reason = $"approved by {Who(command)}" };
            }
            StageSpec stage = state.Spec.Stages[next];
            string where = $"{progress.HardwareClass}: {StageRules.Names[(int)stage.Kind]}";
            if (stage.ApprovalRole is { } role && !command.Roles.Contains(role, StringComparer.Ordinal))
            {
                denied.Add($"{where} asks for {stage.ApprovalAsked}, which {(command.By.Length > 0 ? command.By : "this operator")} does not hold");
                return progress;
            }
            List<string> approvals = [.. (progress.Approvals ?? []).Append(command.By).Distinct(StringComparer.Ordinal)];
            if (approvals.Count == progress.Approvals?.Count)
            {
                denied.Add($"{where} asks for {stage.ApprovalAsked}, and {command.By} has approved already");
                return progress;
            }
            if (approvals.Count < stage.ApprovalCount)
            {
                string sofar = FormattableString.Invariant($"{approvals.Count} of {stage.ApprovalCount} approvals ({string.Join(", ", approvals)})");
                told.Add($"{progress.HardwareClass}: {sofar}");
                return progress with { Approvals = approvals, Reason = $"{StageRules.Names[(int)stage.Kind]} waits for {stage.ApprovalAsked}: {sofar}" };
            }
            return ClassReconciler.Enter(progress, next, StageTransitions.Next(progress.Phase, StageOutcome.Approve), command.At) with
            {
                Reason = $"approved by {string.Join(", ", approvals.SkipLast(1).Append(Who(command)))}",
            };
        });
        return denied.Count == 0 && told.Count == 0 ? result
            : result.Changed ? result with { Message = string.Join("; ", told.Prepend(result.Message).Concat(denied)) }
            : result with { Message = $"rollout '{state.Spec.Name}': {string.Join("; ", denied)}", Denied = true };
    }

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

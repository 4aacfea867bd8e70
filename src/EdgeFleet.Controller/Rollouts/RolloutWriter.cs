using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>
/// Writes one decision: state, what devices shall do, timeline, verdicts and, at the end, assignments, all in the caller's
/// transaction. Streams and watchers hear of it when it is on disk.
/// </summary>
internal sealed class RolloutWriter(DesiredWriter desired, SignalBoard signals, TimeProvider time)
{
    private readonly BackToAssignment _back = new(desired);

    /// <summary>
    /// The decision's verdicts as they are stored. Each carries every tick of its class; packing them is done before the
    /// transaction, for as long as that takes all that devices report waits for the one writer.
    /// </summary>
    public static IReadOnlyList<VerdictRow> Pack(RolloutDecision decision) =>
    [
        .. decision.Verdicts.Select(verdict => new VerdictRow
        {
            At = verdict.Verdict.EvaluatedAt.ToUnixTimeMilliseconds(),
            Stage = verdict.Verdict.StageIndex,
            HardwareClass = verdict.Verdict.HardwareClass,
            Decision = verdict.Verdict.Decision.ToString(),
            Stored = RolloutDocumentCodec.Write(verdict),
        }),
    ];

    /// <summary>False: the rollout changed since <paramref name="row"/> was read; nothing was written.</summary>
    /// <param name="verdicts">The decision's verdicts, packed by <see cref="Pack"/>.</param>
    public bool Write(WriteTransaction transaction, RolloutRow row, RolloutDecision decision, IReadOnlyList<VerdictRow> verdicts)
    {
        RolloutState next = decision.Next;
        bool ended = StageTransitions.IsEnd(next.Phase);
        long now = time.NowMs();
        if (!RolloutStore.Save(transaction, row, RolloutDocumentCodec.Write(next), next.Phase.ToString(), ended ? now : null))
        {
            return false;
        }
        foreach (RolloutEvent e in decision.Events)
        {
            RolloutStore.AddEvent(transaction, row.Id, e.At.ToUnixTimeMilliseconds(), e.HardwareClass, e.Kind, e.Message);
        }
        foreach (VerdictRow verdict in verdicts)
        {
            RolloutStore.AddVerdict(transaction, row.Id, verdict);
        }
        WriteGoals(transaction, next, decision.Goals, now);
        if (ended)
        {
            foreach (AssignmentChange change in decision.Assignments)
            {
                WriteAssignment(transaction, next, change, now);
            }
            _back.AtEnd(transaction, next);
            AuditStore.Append(transaction, now, "controller", "rollout.ended", row.Id, $"{next.Phase}: {next.Reason}");
        }
        transaction.AfterCommit(() => signals.Notify(SignalBoard.RolloutEvents(row.Id)));
        return true;
    }

    private void WriteGoals(WriteTransaction transaction, RolloutState state, IReadOnlyList<DeviceGoal> goals, long now)
    {
        if (goals.Count == 0)
        {
            return;
        }
        bool activates = false;
        Dictionary<string, DesiredModelRow> known = DesiredStore.ListOfModel(transaction, state.Spec.Model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        foreach (DeviceGoal goal in goals)
        {
            DesiredModelRow? written = known.GetValueOrDefault(goal.DeviceId);
            if (written is not null && IsRollbackOf(written, state))
            {
                // An operator's rollback was faster, and it names the same older digest.
                continue;
            }
            if (goal.Desired is { } wanted)
            {
                desired.Put(transaction, goal.DeviceId, wanted with { Epoch = transaction.Epoch }, written);
                activates |= wanted is { Reason: DesiredReason.Rollout, Goal: DeploymentGoal.Active };
            }
            else if (written?.RolloutId == state.RolloutId)
            {
                desired.Remove(transaction, goal.DeviceId, state.Spec.Model);
            }
        }
        if (activates)
        {
            AssignmentStore.NoteActivation(transaction, state.Spec.Model, state.Spec.Candidate.ToString(), state.RolloutId, now);
        }
    }

    private static bool IsRollbackOf(DesiredModelRow written, RolloutState state) =>
        state.AbortRequested && written.Reason == nameof(DesiredReason.Rollback) && written.RolloutId != state.RolloutId;

    private void WriteAssignment(WriteTransaction transaction, RolloutState state, AssignmentChange change, long now)
    {
        // It has proven itself in a new attempt; until then a digest that was taken back stays barred.
        AssignmentStore.Unbar(transaction, change.Model, change.Digest.ToString());
        if (change.Selector.Length == 0)
        {
            foreach (AssignmentRow older in AssignmentStore.ListOfModel(transaction, change.Model))
            {
                AssignmentStore.Remove(transaction, older.Model, older.Selector);
            }
        }
        AssignmentStore.Put(transaction, new AssignmentRow
        {
            Model = change.Model, Selector = change.Selector, Digest = change.Digest.ToString(),
            RolloutId = state.RolloutId, Attempt = state.Spec.Attempt, UpdatedAt = now,
        });
        Carry(transaction, state, change);
    }

    /// <summary>
    /// Devices that the rollout did not draw (silent then, or new since) and that the assignment means get it now; they hear of
    /// it when they are back. What serves something already is measured against that before it changes.
    /// </summary>
    private void Carry(WriteTransaction transaction, RolloutState state, AssignmentChange change)
    {
        HashSet<string> drawn = [.. state.Classes.SelectMany(c => c.Devices).Select(d => d.DeviceId)];
        HashSet<string> classes = [.. state.Classes.Where(c => c.Phase == ClassPhase.Completed).Select(c => c.HardwareClass)];
        Selector selector = Selector.Parse(change.Selector);
        Dictionary<string, DesiredModelRow> known = DesiredStore.ListOfModel(transaction, change.Model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        HashSet<string> serving = [.. DeviceStore.ListSlotsOfModel(transaction, change.Model).Where(row => row.Active is not null).Select(row => row.DeviceId)];
        foreach (DeviceRow device in DeviceStore.ListActive(transaction))
        {
            if (drawn.Contains(device.Id) || !selector.Matches(DeviceAttributes.Of(device)))
            {
                continue;
            }
            bool provisioned = serving.Contains(device.Id) || known.ContainsKey(device.Id);
            if (provisioned && (state.Spec.Strategy == RolloutStrategy.Install || !classes.Contains(device.HardwareClass)))
            {
                continue;
            }
            desired.Put(transaction, device.Id, new DesiredDeployment
            {
                Model = change.Model,
                Digest = change.Digest,
                Goal = DeploymentGoal.Active,
                Reason = DesiredReason.Assignment,
                Attempt = state.Spec.Attempt,
                Epoch = transaction.Epoch,
                Plan = PlanOf(state.Policy, install: !provisioned),
            }, known.GetValueOrDefault(device.Id));
        }
    }

    private static TrialPlan PlanOf(PolicySpec policy, bool install) => new()
    {
        Install = install,
        BenchBlocks = policy.Bench.ShortBlocks,
        BenchBlockMs = policy.Bench.BlockMilliseconds,
        BenchWarmUpMs = policy.Bench.WarmUpMilliseconds,
        BenchLatencyMargin = policy.Margins.LatencyP50Percent / 100,
        BenchMemoryMargin = policy.Margins.MemoryPeakPercent / 100,
        BenchEnergyMargin = policy.Margins.EnergyPercent / 100,
        WorkerMemoryBytes = (long)policy.Limits.WorkerMemoryMiB << 20,
        ProbationSeconds = policy.Probation.Seconds,
        ProbationMaxFailures = policy.Probation.MaximumFailedRequests,
    };
}

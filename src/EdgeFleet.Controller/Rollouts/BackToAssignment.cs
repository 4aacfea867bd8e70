using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>
/// A device that a rollout lets go is told what the assignments say, as if it had never been drawn: a newcomer may have been
/// drawn before it had what newcomers get. First it goes back, though, and says so: on the way it would serve the candidate.
/// </summary>
internal sealed class BackToAssignment(DesiredWriter desired)
{
    /// <summary>When a rollout is over, for the devices that it let go and that are back.</summary>
    public void AtEnd(WriteTransaction transaction, RolloutState state)
    {
        string model = state.Spec.Model;
        IReadOnlyList<AssignmentRow> assignments = AssignmentStore.ListOfModel(transaction, model);
        if (assignments.All(assignment => assignment.Digest == state.Spec.Candidate.ToString()))
        {
            return;
        }
        HashSet<string> letGo = [.. Goals.Of(state).Where(goal => goal.Desired?.Digest != state.Spec.Candidate).Select(goal => goal.DeviceId)];
        Dictionary<string, DesiredModelRow> told = DesiredStore.ListOfModel(transaction, model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        Dictionary<string, string?> active = DeviceStore.ListSlotsOfModel(transaction, model).ToDictionary(row => row.DeviceId, row => row.Active, StringComparer.Ordinal);
        TakenBack takenBack = new(transaction, model);
        foreach (DeviceRow device in DeviceStore.ListActive(transaction).Where(device => letGo.Contains(device.Id)))
        {
            DesiredModelRow? written = told.GetValueOrDefault(device.Id);
            bool back = written is null || written.Reason != nameof(DesiredReason.Rollback)
                || (active.GetValueOrDefault(device.Id) == written.Digest && device.ReportedGeneration >= written.Generation);
            if (back)
            {
                Give(transaction, device, assignments, written, state.Spec.Candidate.ToString(), takenBack);
            }
        }
    }

    /// <summary>When a device says what it serves: the others, one by one.</summary>
    public void AtReport(WriteTransaction transaction, string deviceId, string model, string active, long generation)
    {
        // Asked for each report of a state, so the answer that is nearly always right costs one statement.
        string? order = transaction.Prepare(
            """
            SELECT rollout_id FROM desired_models d
            WHERE device_id = @0 AND model = @1 AND digest = @2 AND reason = 'Rollback' AND generation <= @3
              AND EXISTS (SELECT 1 FROM assignments a WHERE a.model = d.model AND a.digest <> d.digest)
            """).QueryOne(row => row.GetString(0), deviceId, model, active, generation);
        if (order is not null && Rollout(transaction, order, model, deviceId) is { EndedAt: not null } rollout && DeviceStore.Find(transaction, deviceId) is { } device)
        {
            Give(transaction, device, AssignmentStore.ListOfModel(transaction, model), DesiredStore.Find(transaction, deviceId, model), rollout.Digest, new TakenBack(transaction, model));
        }
    }

    /// <summary>The rollout that let the device go, by itself or stopped by an operator's rollback.</summary>
    private static RolloutRow? Rollout(ReadSession session, string order, string model, string deviceId)
    {
        if (RolloutStore.Find(session, order) is { } own)
        {
            return own;
        }
        return RollbackStore.Find(session, order) is { } rollback && RolloutStore.ListOfDigest(session, model, rollback.FromDigest) is [var newest, ..]
            && Goals.Of(RolloutDocumentCodec.ReadState(newest.State)).Any(goal => goal.DeviceId == deviceId && goal.Desired?.Digest.ToString() != newest.Digest)
            ? newest : null;
    }

    private void Give(
        WriteTransaction transaction, DeviceRow device, IReadOnlyList<AssignmentRow> assignments, DesiredModelRow? written, string candidate, TakenBack takenBack)
    {
        if (Assignments.Choose(assignments, DeviceAttributes.Of(device)) is { } mine && mine.Digest != candidate && mine.Digest != written?.Digest
            && !takenBack.From(device, mine.Digest))
        {
            desired.Put(transaction, device.Id, Assignments.ToDesired(mine, transaction.Epoch), written);
        }
    }
}

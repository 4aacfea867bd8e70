using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Deployments;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>What new, replaced and returning devices get once a digest is taken back.</summary>
internal sealed class NewcomersAfter(DesiredWriter desired)
{
    /// <summary>
    /// What most of the devices go back to; where none does, the newest other that was activated. A device's word alone makes
    /// nothing of it: only what was published here is given to others, and nothing that was taken back itself.
    /// </summary>
    public static string? Older(ReadSession session, RollbackWish wish, string from, RollbackPlan plan, TakenBack takenBack) =>
        wish.To?.ToString()
        ?? plan.Back.GroupBy(target => target.To, StringComparer.Ordinal).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
            .Select(group => group.Key).Concat(AssignmentStore.ListActivated(session, wish.Model))
            .FirstOrDefault(digest => digest != from && !takenBack.Anywhere(digest) && ArtifactStore.Find(session, digest)?.Model == wish.Model);

    /// <summary>Bars the digest and gives its place in the assignments to the older one; a selector bars nothing and is assigned.</summary>
    public static void Reassign(WriteTransaction transaction, RollbackRow row, string? older, long now)
    {
        if (row.Selector.Length > 0)
        {
            if (older is not null)
            {
                AssignmentStore.Put(transaction, Assignment(row, row.Selector, older, now));
            }
            return;
        }
        AssignmentStore.Bar(transaction, row.Model, row.FromDigest, $"taken back by {row.CreatedBy}: {row.Reason}", now);
        foreach (AssignmentRow assignment in AssignmentStore.ListOfModel(transaction, row.Model).Where(assignment => assignment.Digest == row.FromDigest))
        {
            if (older is not null)
            {
                AssignmentStore.Put(transaction, Assignment(row, assignment.Selector, older, now));
            }
            else
            {
                AssignmentStore.Remove(transaction, assignment.Model, assignment.Selector);
            }
        }
    }

    /// <summary>Gives newcomers what the assignments say now; those for whom they say nothing are told to fetch nothing.</summary>
    public List<string> Provide(WriteTransaction transaction, RollbackRow row, List<(DeviceRow Device, DesiredModelRow Told)> newcomers, TakenBack takenBack)
    {
        List<string> withdrawn = [];
        IReadOnlyList<AssignmentRow> assignments = newcomers.Count > 0 ? AssignmentStore.ListOfModel(transaction, row.Model) : [];
        foreach ((DeviceRow device, DesiredModelRow told) in newcomers)
        {
            if (told.Digest != row.FromDigest)
            {
                RollbackStore.AddDevice(transaction, row.Id, device.Id, told.Digest, told.Generation);
            }
            else if (Assignments.Choose(assignments, DeviceAttributes.Of(device)) is { } assignment && assignment.Digest != row.FromDigest
                && (assignment.Digest == row.ToDigest || !takenBack.From(device, assignment.Digest)))
            {
                long generation = desired.Put(transaction, device.Id, Assignments.ToDesired(assignment, transaction.Epoch)) ?? DesiredStore.GenerationOf(transaction, device.Id);
                RollbackStore.AddDevice(transaction, row.Id, device.Id, assignment.Digest, generation);
            }
            else
            {
                desired.Remove(transaction, device.Id, row.Model);
                withdrawn.Add(device.Id);
            }
        }
        return withdrawn;
    }

    private static AssignmentRow Assignment(RollbackRow row, string selector, string older, long now) =>
        new() { Model = row.Model, Selector = selector, Digest = older, RolloutId = row.Id, Attempt = 1, UpdatedAt = now };
}

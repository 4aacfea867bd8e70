using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Controller.Fleet;

/// <summary>Gives new, replaced and returning devices what the fleet serves.</summary>
internal sealed class Assignments(DesiredWriter desired)
{
    /// <summary>Writes the assignments that mean this device into its desired state, for models that it has nothing for yet.</summary>
    public void ApplyTo(WriteTransaction transaction, DeviceRow device)
    {
        IReadOnlyList<AssignmentRow> rows = AssignmentStore.List(transaction);
        if (rows.Count == 0)
        {
            return;
        }
        IReadOnlyDictionary<string, string> attributes = DeviceAttributes.Of(device);
        foreach (IGrouping<string, AssignmentRow> model in rows.GroupBy(row => row.Model, StringComparer.Ordinal))
        {
            AssignmentRow? mine = Choose(model, attributes);
            if (mine is not null && DesiredStore.Find(transaction, device.Id, model.Key) is null)
            {
                desired.Put(transaction, device.Id, ToDesired(mine, transaction.Epoch));
            }
        }
    }

    /// <summary>The assignment of one model that means the device: the newest of those whose selector takes it.</summary>
    public static AssignmentRow? Choose(IEnumerable<AssignmentRow> ofModel, IReadOnlyDictionary<string, string> attributes) => ofModel
        .Where(row => Selector.Parse(row.Selector).Matches(attributes))
        .OrderByDescending(row => row.Ordinal)
        .FirstOrDefault();

    /// <summary>Straight to active: it has passed its gates, and there is nothing on the device that a trial would protect.</summary>
    public static DesiredDeployment ToDesired(AssignmentRow row, long epoch) => new()
    {
        Model = row.Model,
        Digest = Digest.Parse(row.Digest),
        Goal = DeploymentGoal.Active,
        Reason = DesiredReason.Assignment,
        RolloutId = "",
        Attempt = row.Attempt,
        Epoch = epoch,
        Plan = new TrialPlan { Install = true, ProbationSeconds = 60 },
    };
}

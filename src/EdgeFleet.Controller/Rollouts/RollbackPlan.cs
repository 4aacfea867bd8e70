using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>A device that a rollback leaves as it is, with what it holds.</summary>
internal sealed record UntouchedDevice(string Id, string? Active, string? Previous, string? Golden, string Detail);

/// <summary>A digest that devices say they serve and that was neither published nor ordered here.</summary>
internal sealed record UnknownDigest(string Digest, int Devices);

/// <summary>
/// Whom a rollback concerns: every device of the selector that says that it serves the digest, is told to, or was told to give
/// it up and has not yet said that it did. Worked out anew each time from what devices say and what they are told, so that
/// no earlier order can hide a device that still serves it.
/// </summary>
internal sealed class RollbackPlan
{
    /// <summary>Devices that go to what they hold.</summary>
    public List<(DeviceRow Device, string To)> Back { get; } = [];

    /// <summary>Devices that hold nothing else and get what newcomers get.</summary>
    public List<(DeviceRow Device, DesiredModelRow Told)> Newcomers { get; } = [];

    /// <summary>Devices that serve it and can go nowhere.</summary>
    public List<UntouchedDevice> Untouched { get; } = [];

    public List<UnknownDigest> Unknown { get; } = [];

    public static RollbackPlan Of(ReadSession session, RollbackWish wish, string from, TakenBack takenBack)
    {
        RollbackPlan plan = new();
        HashSet<string> committed = wish.To is { } named ? [.. DeploymentStore.ListCommitted(session, wish.Model, named.ToString())] : [];
        IReadOnlyList<SlotsRow> slots = DeviceStore.ListSlotsOfModel(session, wish.Model);
        Dictionary<string, SlotsRow> slotOf = slots.ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        Dictionary<string, DesiredModelRow> told = DesiredStore.ListOfModel(session, wish.Model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        Unconfirmed unconfirmed = new(session, from);
        foreach (DeviceRow device in DeviceStore.ListActive(session))
        {
            if (!wish.Selector.Matches(DeviceAttributes.Of(device)))
            {
                continue;
            }
            SlotsRow? slot = slotOf.GetValueOrDefault(device.Id);
            DesiredModelRow? wanted = told.GetValueOrDefault(device.Id);
            bool serves = slot?.Active == from;
            bool shall = wanted?.Digest == from && wanted.Goal == nameof(DeploymentGoal.Active);
            if (serves || shall || (wanted is not null && unconfirmed.Includes(device, wanted)))
            {
                plan.Add(device, slot, serves, wanted, wish, from, committed, takenBack);
            }
        }
        HashSet<string> ordered = [.. AssignmentStore.ListActivated(session, wish.Model)];
        plan.Unknown.AddRange(slots.Where(row => row.Active is not null).GroupBy(row => row.Active!, StringComparer.Ordinal)
            .Where(group => !ordered.Contains(group.Key) && ArtifactStore.Find(session, group.Key) is null)
            .Select(group => new UnknownDigest(group.Key, group.Count())).OrderBy(unknown => unknown.Digest, StringComparer.Ordinal));
        return plan;
    }

    private void Add(DeviceRow device, SlotsRow? slot, bool serves, DesiredModelRow? wanted, RollbackWish wish, string from, HashSet<string> committed, TakenBack takenBack)
    {
        if (slot?.Active is not { Length: > 0 } active)
        {
            if (wanted is not null)
            {
                Newcomers.Add((device, wanted));
            }
            return;
        }
        if (wish.To?.ToString() is { } to)
        {
            if (to == active || to == slot.Previous || to == slot.Golden || committed.Contains(device.Id))
            {
                Back.Add((device, to));
            }
            else
            {
                Leave($"does not hold {to}");
            }
        }
        else if (!serves)
        {
            // A device that has not switched keeps what it has.
            Back.Add((device, active));
        }
        else if (new[] { slot.Previous, slot.Golden }.FirstOrDefault(held => !string.IsNullOrEmpty(held) && held != from && !takenBack.From(device, held)) is { } older)
        {
            Back.Add((device, older));
        }
        else if (wanted is { Goal: nameof(DeploymentGoal.Active) } && wanted.Digest != from)
        {
            // It is on its way to what an assignment or a rollout gives it.
            Newcomers.Add((device, wanted));
        }
        else
        {
            List<string> others = [.. new[] { slot.Previous, slot.Golden }.OfType<string>().Where(held => held.Length > 0 && held != from).Distinct(StringComparer.Ordinal)];
            Leave(others.Count > 0
                ? $"holds nothing else but {string.Join(" and ", others)}, {(others.Count == 1 ? "which was taken back itself" : "which were taken back themselves")} (--to {others[0]} puts it there all the same)"
                : "holds no previous digest");
        }

        void Leave(string detail) => Untouched.Add(new UntouchedDevice(device.Id, slot.Active, slot.Previous, slot.Golden, detail));
    }

    /// <summary>
    /// Devices that were told to give the digest up: what they said before they knew of it proves nothing, for they may have
    /// switched to it in between.
    /// </summary>
    private sealed class Unconfirmed(ReadSession session, string from)
    {
        private readonly Dictionary<string, Func<string, bool>> _orders = new(StringComparer.Ordinal);

        public bool Includes(DeviceRow device, DesiredModelRow wanted)
        {
            if (wanted.Reason != nameof(DesiredReason.Rollback) || wanted.Digest == from || device.ReportedGeneration >= wanted.Generation)
            {
                return false;
            }
            if (!_orders.TryGetValue(wanted.RolloutId, out Func<string, bool>? takes))
            {
                _orders[wanted.RolloutId] = takes = Find(wanted.RolloutId);
            }
            return takes(device.Id);
        }

        private Func<string, bool> Find(string order)
        {
            if (RollbackStore.Find(session, order) is { } rollback)
            {
                return _ => rollback.FromDigest == from;
            }
            if (RolloutStore.Find(session, order) is not { } rollout || rollout.Digest != from)
            {
                return _ => false;
            }
            RolloutState state = RolloutDocumentCodec.ReadState(rollout.State);
            HashSet<string> exposed =
            [
                .. from progress in state.Classes
                   from device in progress.Devices
                   where device.Stage >= 0 && state.Spec.Stages[device.Stage].Goal == DeploymentGoal.Active
                   select device.DeviceId,
            ];
            return exposed.Contains;
        }
    }
}

using System.Globalization;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <param name="From">The digest to take back; null for the newest that was activated.</param>
/// <param name="To">The digest to put back; null for each device's own previous one.</param>
internal sealed record RollbackWish(string Model, Digest? From, Digest? To, Selector Selector, string Reason, string Actor);

internal abstract record RollbackOutcome
{
    private RollbackOutcome() { }

    /// <param name="Untouched">Devices that serve the digest and hold nothing that they could go back to.</param>
    public sealed record Ordered(RollbackRow Rollback, IReadOnlyList<UntouchedDevice> Untouched) : RollbackOutcome;

    public sealed record Refused(string Reason) : RollbackOutcome;
}

/// <summary>A device that a rollback leaves as it is, with what it holds.</summary>
internal sealed record UntouchedDevice(string Id, string? Active, string? Previous, string? Golden, string Detail);

/// <summary>
/// Takes a digest back, in one transaction: a running rollout of the model is aborted, the digest is barred from newcomers, the
/// assignment names the older one again, and every device that serves it (or is about to) is told to go back. A device goes
/// only to what it holds or has committed before: no bench and no gate stands before a rollback. Ordering it again changes
/// nothing.
/// </summary>
internal sealed class RollbackDesk(Database database, RolloutDesk rollouts, DesiredWriter desired, SignalBoard signals, TimeProvider time)
{
    private const string IdPrefix = "rb";

    public Task<RollbackOutcome> OrderAsync(RollbackWish wish, CancellationToken cancellationToken) =>
        database.WriteAsync($"rollback {wish.Model}", transaction => Order(transaction, wish), cancellationToken);

    private RollbackOutcome Order(WriteTransaction transaction, RollbackWish wish)
    {
        string? from = wish.From?.ToString() ?? AssignmentStore.FindNewestActivated(transaction, wish.Model);
        if (from is null)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': nothing was ever activated, so there is nothing to take back{Others(transaction, wish.Model)}");
        }
        if (Complaint(transaction, wish, from) is { } complaint)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': {complaint}");
        }

        (List<(string Device, string To)> targets, List<UntouchedDevice> untouched) = Targets(transaction, wish, from);
        if (targets.Count == 0)
        {
            if (RollbackStore.FindNewest(transaction, wish.Model, from) is { } before && Says(transaction, before, wish))
            {
                return new RollbackOutcome.Ordered(before, untouched);
            }
            if (wish.To is { } to)
            {
                return new RollbackOutcome.Refused($"model '{wish.Model}': {NobodyGoes(transaction, wish.Model, from, to, untouched)}");
            }
        }

        long now = time.NowMs();
        long ordinal = RollbackStore.NextOrdinal(transaction);
        RollbackRow row = new()
        {
            Id = IdPrefix + ordinal.ToString(CultureInfo.InvariantCulture),
            Ordinal = ordinal,
            Model = wish.Model,
            FromDigest = from,
            ToDigest = wish.To?.ToString(),
            Selector = wish.Selector.Text,
            Reason = wish.Reason,
            CreatedBy = wish.Actor,
            CreatedAt = now,
        };
        RollbackStore.Add(transaction, row);
        if (RolloutStore.FindRunning(transaction, wish.Model) is { } running)
        {
            rollouts.Apply(transaction, running, OperatorAct.Abort, $"rollback {row.Id}: {wish.Reason}", wish.Actor);
        }
        foreach ((string device, string older) in targets)
        {
            long generation = desired.Put(transaction, device, ToDesired(row, older, transaction.Epoch)) ?? DesiredStore.GenerationOf(transaction, device);
            RollbackStore.AddDevice(transaction, row.Id, device, older, generation);
        }
        Reassign(transaction, row, targets, now);
        AuditStore.Append(transaction, now, wish.Actor, "rollback", wish.Model, $"{row.Id}: from {from} on {targets.Count} device(s), {untouched.Count} left as they are: {wish.Reason}");
        transaction.AfterCommit(() => signals.Notify(SignalBoard.Rollback(wish.Model)));
        return new RollbackOutcome.Ordered(row, untouched);
    }

    /// <summary>Whether an earlier rollback has done already what is wished.</summary>
    private static bool Says(ReadSession session, RollbackRow before, RollbackWish wish)
    {
        if (wish.To is not { } to)
        {
            return AssignmentStore.FindBar(session, before.Model, before.FromDigest) is not null;
        }
        IReadOnlyList<RollbackDeviceRow> devices = RollbackStore.ListDevices(session, before);
        return devices.Count > 0 && devices.All(device => device.ToDigest == to.ToString());
    }

    /// <summary>Why no device can go to the digest that was named, with what they have.</summary>
    private static string NobodyGoes(ReadSession session, string model, string from, Digest to, List<UntouchedDevice> untouched)
    {
        if (untouched.Count > 0)
        {
            string held = Counted(untouched.SelectMany(device => new[] { device.Active, device.Previous, device.Golden }.Distinct(StringComparer.Ordinal)));
            return $"none of the {untouched.Count} device(s) that serve {from} holds {to} or has served it before; they hold {held}. 'edgefleet rollout apply' brings a digest to devices that never had it";
        }
        string served = Counted(DeviceStore.ListSlotsOfModel(session, model).Select(slot => slot.Active));
        return $"no device serves {from}, which is what would be taken back; devices serve {(served.Length > 0 ? served : "nothing")}. Name what they serve with --from";
    }

    private static string Counted(IEnumerable<string?> digests) => string.Join(", ", digests
        .Where(digest => !string.IsNullOrEmpty(digest)).GroupBy(digest => digest, StringComparer.Ordinal)
        .OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).Take(5)
        .Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key} ({group.Count()} device(s))")));

    /// <summary>Why the wish makes no sense, and the way out; null when it does.</summary>
    private static string? Complaint(ReadSession session, RollbackWish wish, string from)
    {
        if (wish.To?.ToString() == from)
        {
            return $"from and to are both {from}";
        }
        if (wish.To is { } to && ArtifactStore.Find(session, to.ToString())?.Model != wish.Model)
        {
            return $"{to} is not a published artifact of it; 'edgefleet artifact list' shows them";
        }
        // Devices may serve what this controller never published: its database was restored, or replaced.
        if (ArtifactStore.Find(session, from)?.Model != wish.Model && !AssignmentStore.ListActivated(session, wish.Model).Contains(from, StringComparer.Ordinal))
        {
            return $"{from} was never published for it, nor seen on a device; 'edgefleet artifact list' shows what was{Others(session, wish.Model)}";
        }
        return wish.Selector.Text.Length > 0 && !DeviceStore.ListActive(session).Any(device => wish.Selector.Matches(DeviceAttributes.Of(device)))
            ? $"selector '{wish.Selector.Text}' matches no approved device; 'edgefleet device list' shows their labels"
            : null;
    }

    /// <summary>For a model that may be a slip of the pen.</summary>
    private static string Others(ReadSession session, string model)
    {
        IReadOnlyList<string> models = ArtifactStore.ListModels(session);
        return models.Contains(model, StringComparer.Ordinal) ? ""
            : models.Count == 0 ? "; no model is published here" : $"; models here are {string.Join(", ", models.Take(20))}";
    }

    /// <summary>Devices that serve the digest or are told to activate it, with what each goes back to, and those that cannot.</summary>
    private static (List<(string Device, string To)> Targets, List<UntouchedDevice> Untouched) Targets(WriteTransaction transaction, RollbackWish wish, string from)
    {
        HashSet<string> committed = wish.To is { } named ? [.. DeploymentStore.ListCommitted(transaction, wish.Model, named.ToString())] : [];
        Dictionary<string, SlotsRow> slots = DeviceStore.ListSlotsOfModel(transaction, wish.Model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        Dictionary<string, DesiredModelRow> written = DesiredStore.ListOfModel(transaction, wish.Model).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        List<(string, string)> targets = [];
        List<UntouchedDevice> untouched = [];
        foreach (DeviceRow device in DeviceStore.ListActive(transaction))
        {
            SlotsRow? slot = slots.GetValueOrDefault(device.Id);
            DesiredModelRow? wanted = written.GetValueOrDefault(device.Id);
            bool serves = slot?.Active == from;
            bool activates = wanted?.Digest == from && wanted.Goal == nameof(DeploymentGoal.Active);
            bool toldBack = wanted is { Reason: nameof(DesiredReason.Rollback) } && wanted.Digest != from && (wish.To is null || wanted.Digest == wish.To.ToString());
            if ((!serves && !activates) || toldBack || !wish.Selector.Matches(DeviceAttributes.Of(device)))
            {
                continue;
            }
            // A device that has not switched yet keeps what it has; one that has goes to its own previous.
            string? older = wish.To?.ToString() ?? (serves ? slot!.Previous : slot?.Active);
            if (wish.To is not null && older != slot?.Active && older != slot?.Previous && older != slot?.Golden && !committed.Contains(device.Id))
            {
                untouched.Add(Untouched(device, slot, $"does not hold {older}"));
            }
            else if (!string.IsNullOrEmpty(older) && older != from)
            {
                targets.Add((device.Id, older));
            }
            else
            {
                untouched.Add(Untouched(device, slot, "holds no previous digest"));
            }
        }
        return (targets, untouched);

        static UntouchedDevice Untouched(DeviceRow device, SlotsRow? slot, string detail) => new(device.Id, slot?.Active, slot?.Previous, slot?.Golden, detail);
    }

    private static DesiredDeployment ToDesired(RollbackRow row, string older, long epoch) => new()
    {
        Model = row.Model,
        Digest = Digest.Parse(older),
        Goal = DeploymentGoal.Active,
        Reason = DesiredReason.Rollback,
        RolloutId = row.Id,
        Epoch = epoch,
        Plan = new TrialPlan { Install = true, ProbationSeconds = 0 },
    };

    private static void Reassign(WriteTransaction transaction, RollbackRow row, List<(string Device, string To)> targets, long now)
    {
        // Newcomers get what most of the devices go back to; where none does, the newest other that served and is not barred.
        string? older = row.ToDigest
            ?? targets.GroupBy(target => target.To, StringComparer.Ordinal).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).FirstOrDefault()?.Key
            ?? AssignmentStore.ListActivated(transaction, row.Model).FirstOrDefault(digest => digest != row.FromDigest && AssignmentStore.FindBar(transaction, row.Model, digest) is null);
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

    private static AssignmentRow Assignment(RollbackRow row, string selector, string older, long now) =>
        new() { Model = row.Model, Selector = selector, Digest = older, RolloutId = row.Id, Attempt = 1, UpdatedAt = now };
}

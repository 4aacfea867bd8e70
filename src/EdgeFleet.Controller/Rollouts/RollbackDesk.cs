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
    /// <param name="Withdrawn">Devices that serve nothing yet and are no longer told to fetch the digest; nothing takes its place.</param>
    /// <param name="Unknown">Digests that devices say they serve and that this controller never ordered.</param>
    public sealed record Ordered(RollbackRow Rollback, IReadOnlyList<UntouchedDevice> Untouched, IReadOnlyList<string> Withdrawn, IReadOnlyList<UnknownDigest> Unknown) : RollbackOutcome;

    public sealed record Refused(string Reason) : RollbackOutcome;
}

/// <summary>
/// Takes a digest back, in one transaction: a running rollout that it concerns is aborted, the digest is barred from newcomers,
/// the assignment names an older one again, and every device that serves it (or is about to) is told to go back. A device goes
/// only to what it holds or has committed before: no bench and no gate stands before a rollback. Who is not back yet is told
/// anew each time that it is ordered; once all are, ordering it again changes nothing.
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
            return new RollbackOutcome.Refused($"model '{wish.Model}': nothing was ever activated from here, so there is no newest to take back{Served(transaction, wish.Model)}{Others(transaction, wish.Model)}");
        }
        if (Complaint(transaction, wish, from) is { } complaint)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': {complaint}");
        }

        RollbackPlan plan = RollbackPlan.Of(transaction, wish, from);
        if (NothingToOrder(transaction, wish, from, plan) is { } answer)
        {
            return answer;
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
        if (RolloutStore.FindRunning(transaction, wish.Model) is { } running && Concerns(transaction, running, wish, from, plan))
        {
            rollouts.Apply(transaction, running, OperatorAct.Abort, $"rollback {row.Id}: {wish.Reason}", wish.Actor);
        }
        foreach ((DeviceRow device, string older) in plan.Back)
        {
            long generation = desired.Put(transaction, device.Id, ToDesired(row, older, transaction.Epoch)) ?? DesiredStore.GenerationOf(transaction, device.Id);
            RollbackStore.AddDevice(transaction, row.Id, device.Id, older, generation);
        }
        Reassign(transaction, row, plan.Back, now);
        List<string> withdrawn = Provide(transaction, row, plan.Newcomers);
        AuditStore.Append(transaction, now, wish.Actor, "rollback", wish.Model,
            $"{row.Id}: from {from} on {plan.Back.Count + plan.Newcomers.Count} device(s), {plan.Untouched.Count} left as they are: {wish.Reason}");
        transaction.AfterCommit(() => signals.Notify(SignalBoard.Rollback(wish.Model)));
        return new RollbackOutcome.Ordered(row, plan.Untouched, withdrawn, plan.Unknown);
    }

    /// <summary>The answer where no device is to be told anything and the digest is barred already, or where that would be the wrong thing to do.</summary>
    private static RollbackOutcome? NothingToOrder(ReadSession session, RollbackWish wish, string from, RollbackPlan plan)
    {
        // What was never ordered is given to newcomers by no rollback, not even by one that names it.
        bool anyGoes = plan.Back.Count > 0
            || (plan.Newcomers.Count > 0 && (wish.To is not { } named || AssignmentStore.ListActivated(session, wish.Model).Contains(named.ToString(), StringComparer.Ordinal)));
        if (anyGoes)
        {
            return null;
        }
        if (RollbackStore.FindNewest(session, wish.Model, from) is { } before && Says(session, before, wish))
        {
            return new RollbackOutcome.Ordered(before, plan.Untouched, [], plan.Unknown);
        }
        if (wish.To is { } to)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': {NobodyGoes(session, wish.Model, from, to, plan.Untouched)}");
        }
        bool guessed = wish.From is null && plan.Untouched.Count == 0 && plan.Unknown.Count > 0 && AssignmentStore.FindBar(session, wish.Model, from) is null;
        return guessed
            ? new RollbackOutcome.Refused($"model '{wish.Model}': no device serves {from}, the newest that was activated from here{Served(session, wish.Model)}")
            : null;
    }

    /// <summary>
    /// Whether a running rollout stands in the way: it brings the digest that is taken back to a device that is meant, or it
    /// has drawn a device that is told to go back.
    /// </summary>
    private static bool Concerns(ReadSession session, RolloutRow running, RollbackWish wish, string from, RollbackPlan plan)
    {
        RolloutState state = RolloutDocumentCodec.ReadState(running.State);
        HashSet<string> drawn = [.. state.Classes.SelectMany(progress => progress.Devices).Select(device => device.DeviceId)];
        if (plan.Back.Any(target => drawn.Contains(target.Device.Id)) || plan.Newcomers.Any(newcomer => drawn.Contains(newcomer.Device.Id)))
        {
            return true;
        }
        if (running.Digest != from || wish.Selector.Text.Length == 0)
        {
            return running.Digest == from;
        }
        Selector its = Selector.Parse(state.Spec.Selector);
        return DeviceStore.ListActive(session).Any(device =>
            wish.Selector.Matches(DeviceAttributes.Of(device)) && (state.Classes.Count > 0 ? drawn.Contains(device.Id) : its.Matches(DeviceAttributes.Of(device))));
    }

    /// <summary>Gives newcomers what the assignments say now that the digest is barred; those for whom they say nothing are told to fetch nothing.</summary>
    private List<string> Provide(WriteTransaction transaction, RollbackRow row, List<(DeviceRow Device, DesiredModelRow Told)> newcomers)
    {
        List<string> withdrawn = [];
        IReadOnlyList<AssignmentRow> assignments = newcomers.Count > 0 ? AssignmentStore.ListOfModel(transaction, row.Model) : [];
        foreach ((DeviceRow device, DesiredModelRow told) in newcomers)
        {
            if (told.Digest != row.FromDigest)
            {
                RollbackStore.AddDevice(transaction, row.Id, device.Id, told.Digest, told.Generation);
            }
            else if (Assignments.Choose(assignments, DeviceAttributes.Of(device)) is { } assignment && assignment.Digest != row.FromDigest)
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

    /// <summary>Whether an earlier rollback has done already what is wished.</summary>
    private static bool Says(ReadSession session, RollbackRow before, RollbackWish wish)
    {
        if (wish.To is not { } to)
        {
            return AssignmentStore.FindBar(session, before.Model, before.FromDigest) is not null
                || (wish.Selector.Text.Length > 0 && before.Selector == wish.Selector.Text);
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
        return $"no device serves {from}, which is what would be taken back{Served(session, model)}";
    }

    private static string Served(ReadSession session, string model)
    {
        string served = Counted(DeviceStore.ListSlotsOfModel(session, model).Select(slot => slot.Active));
        return $"; devices serve {(served.Length > 0 ? $"{served}. Name what they serve with --from" : "nothing")}";
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
        if (ArtifactStore.Find(session, from)?.Model != wish.Model && !AssignmentStore.ListActivated(session, wish.Model).Contains(from, StringComparer.Ordinal)
            && DeviceStore.ListSlotsOfModel(session, wish.Model).All(slot => slot.Active != from))
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

    private static void Reassign(WriteTransaction transaction, RollbackRow row, List<(DeviceRow Device, string To)> targets, long now)
    {
        // Newcomers get what most of the devices go back to; where none does, the newest other that was activated. A device's
        // word alone makes nothing of it: only what was published here is given to others.
        string? older = row.ToDigest
            ?? targets.GroupBy(target => target.To, StringComparer.Ordinal).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal)
                .Select(group => group.Key).Concat(AssignmentStore.ListActivated(transaction, row.Model))
                .FirstOrDefault(digest => digest != row.FromDigest && AssignmentStore.FindBar(transaction, row.Model, digest) is null
                    && ArtifactStore.Find(transaction, digest)?.Model == row.Model);
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

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

    public sealed record Ordered(RollbackRow Rollback) : RollbackOutcome
    {
        /// <summary>Devices that serve the digest and hold nothing that they could go back to.</summary>
        public IReadOnlyList<UntouchedDevice> Untouched { get; init; } = [];

        /// <summary>Devices that serve nothing yet and are no longer told to fetch the digest; nothing takes its place.</summary>
        public IReadOnlyList<string> Withdrawn { get; init; } = [];

        /// <summary>Digests that devices say they serve and that this controller never ordered.</summary>
        public IReadOnlyList<UnknownDigest> Unknown { get; init; } = [];

        /// <summary>The rollout that was stopped; null for none.</summary>
        public string? Stopped { get; init; }

        /// <summary>Whether the digest that is put back was taken back before.</summary>
        public bool Lifted { get; init; }

        /// <summary>Whether newcomers are kept from the digest.</summary>
        public bool Barred { get; init; }

        /// <summary>What newcomers get now.</summary>
        public IReadOnlyList<AssignmentRow> Newcomers { get; init; } = [];
    }

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
    private readonly NewcomersAfter _newcomers = new(desired);

    public Task<RollbackOutcome> OrderAsync(RollbackWish wish, CancellationToken cancellationToken) =>
        database.WriteAsync($"rollback {wish.Model}", transaction => Order(transaction, wish), cancellationToken);

    private RollbackOutcome Order(WriteTransaction transaction, RollbackWish wish)
    {
        RunningRollout? running = RunningRollout.Find(transaction, wish.Model);
        string? from = wish.From?.ToString()
            ?? (running?.Means(wish.Selector) == true ? running.Row.Digest : AssignmentStore.FindNewestActivated(transaction, wish.Model));
        if (from is null)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': nothing was ever activated from here, so there is no newest to take back{Served(transaction, wish.Model)}{Others(transaction, wish.Model)}");
        }
        if (Complaint(transaction, wish, from) is { } complaint)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': {complaint}");
        }

        TakenBack takenBack = new(transaction, wish.Model);
        RollbackPlan plan = RollbackPlan.Of(transaction, wish, from, takenBack);
        running = running?.Hinders(wish, from, plan) == true ? running : null;
        string? older = NewcomersAfter.Older(transaction, wish, from, plan, takenBack);
        // Where everyone who serves it must keep it and newcomers could get nothing else, it would only be missing where it is not yet.
        bool keepsAll = wish.Selector.Text.Length == 0 && plan.Back.Count == 0 && plan.Untouched.Count > 0 && older is null;
        return NothingToOrder(transaction, wish, from, plan, running, keepsAll) ?? Write(transaction, wish, from, plan, running, older, keepsAll, takenBack);
    }

    private RollbackOutcome.Ordered Write(
        WriteTransaction transaction, RollbackWish wish, string from, RollbackPlan plan, RunningRollout? running, string? older, bool keepsAll, TakenBack takenBack)
    {
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
        if (running is not null)
        {
            rollouts.Apply(transaction, running.Row, OperatorAct.Abort, $"rollback {row.Id}: {wish.Reason}", wish.Actor, []);
            if (running.Row.Digest == from)
            {
                // Also where no device has activated it yet: the next rollback means it again, and not what came before it.
                AssignmentStore.NoteActivation(transaction, wish.Model, from, running.Row.Id, now);
            }
        }
        bool lifted = Lift(transaction, row, plan, takenBack, now);
        foreach ((DeviceRow device, string held) in plan.Back)
        {
            long generation = desired.Put(transaction, device.Id, ToDesired(row, held, transaction.Epoch)) ?? DesiredStore.GenerationOf(transaction, device.Id);
            RollbackStore.AddDevice(transaction, row.Id, device.Id, held, generation);
        }
        List<string> withdrawn = [];
        if (!keepsAll)
        {
            NewcomersAfter.Reassign(transaction, row, older, now);
            withdrawn = _newcomers.Provide(transaction, row, plan.Newcomers, takenBack);
        }
        AuditStore.Append(transaction, now, wish.Actor, "rollback", wish.Model,
            $"{row.Id}: from {from} on {plan.Back.Count + plan.Newcomers.Count} device(s), {plan.Untouched.Count} left as they are: {wish.Reason}");
        transaction.AfterCommit(() => signals.Notify(SignalBoard.Rollback(wish.Model)));
        return Answer(transaction, row, plan) with { Withdrawn = withdrawn, Stopped = running?.Row.Id, Lifted = lifted };
    }

    /// <summary>Who names a digest that was taken back has decided otherwise: it is barred no longer, and it is the newest from now on.</summary>
    private static bool Lift(WriteTransaction transaction, RollbackRow row, RollbackPlan plan, TakenBack takenBack, long now)
    {
        if (row.ToDigest is not { } to
            || (AssignmentStore.FindBar(transaction, row.Model, to) is null && !plan.Back.Any(target => takenBack.From(target.Device, to))))
        {
            return false;
        }
        string message = $"{row.CreatedBy} put it back with rollback {row.Id}: {row.Reason}";
        TakenBack.Lift(transaction, row.Model, to, message, now);
        AssignmentStore.NoteActivation(transaction, row.Model, to, row.Id, now);
        AuditStore.Append(transaction, now, row.CreatedBy, "bar.lifted", to, message);
        return true;
    }

    private static RollbackOutcome.Ordered Answer(ReadSession session, RollbackRow row, RollbackPlan plan) => new(row)
    {
        Untouched = plan.Untouched,
        Unknown = plan.Unknown,
        Barred = AssignmentStore.FindBar(session, row.Model, row.FromDigest) is not null,
        Newcomers = AssignmentStore.ListOfModel(session, row.Model),
    };

    /// <summary>The answer where no device is to be told anything and the digest is barred already, or where that would be the wrong thing to do.</summary>
    private static RollbackOutcome? NothingToOrder(ReadSession session, RollbackWish wish, string from, RollbackPlan plan, RunningRollout? running, bool keepsAll)
    {
        // What was never ordered is given to newcomers by no rollback, not even by one that names it.
        bool anyGoes = plan.Back.Count > 0
            || (!keepsAll && plan.Newcomers.Count > 0 && (wish.To is not { } named || AssignmentStore.ListActivated(session, wish.Model).Contains(named.ToString(), StringComparer.Ordinal)));
        bool stops = running is { Stopped: false };
        if (anyGoes || (stops && wish.To is null))
        {
            return null;
        }
        if (!stops && RollbackStore.FindNewest(session, wish.Model, from) is { } before && Says(session, before, wish))
        {
            return Answer(session, before, plan);
        }
        if (wish.To is { } to)
        {
            string runs = stops ? $". Rollout {running!.Row.Id} brings it and runs on: without --to, this stops it" : "";
            return new RollbackOutcome.Refused($"model '{wish.Model}': {NobodyGoes(session, wish.Model, from, to, plan.Untouched)}{runs}");
        }
        if (keepsAll)
        {
            return new RollbackOutcome.Refused($"model '{wish.Model}': {NobodyLeaves(session, wish.Model, from, plan.Untouched)}");
        }
        bool guessed = wish.From is null && plan.Untouched.Count == 0 && plan.Unknown.Count > 0 && AssignmentStore.FindBar(session, wish.Model, from) is null;
        return guessed
            ? new RollbackOutcome.Refused($"model '{wish.Model}': no device serves {from}, the newest that was activated from here{Served(session, wish.Model)}")
            : null;
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

    /// <summary>Why nothing at all is changed, device by device, and what newcomers get then.</summary>
    private static string NobodyLeaves(ReadSession session, string model, string from, List<UntouchedDevice> untouched)
    {
        IReadOnlyList<AssignmentRow> assigned = AssignmentStore.ListOfModel(session, model);
        string newcomers = AssignmentStore.FindBar(session, model, from) is not null ? "it stays barred"
            : assigned.Any(assignment => assignment.Digest == from) ? "it is not barred and newcomers go on getting it"
            : "it is not barred";
        string devices = string.Join("; ", untouched.Take(5).Select(device => $"{device.Id} {device.Detail}")) + (untouched.Count > 5 ? $"; and {untouched.Count - 5} more" : "");
        return $"no device can leave {from}: {devices}. Nothing was changed: the {untouched.Count} device(s) serve on, {newcomers}. 'edgefleet rollout apply' brings them another digest";
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
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>What became of an operator's wish.</summary>
internal abstract record RolloutOutcome
{
    private RolloutOutcome() { }

    public sealed record Done(string RolloutId, string Message) : RolloutOutcome;

    /// <summary>Nothing was begun: this is what would be.</summary>
    public sealed record Planned(RolloutPreview Preview) : RolloutOutcome;

    public sealed record Unknown(string Reason) : RolloutOutcome;

    /// <summary>Something else stands in the way.</summary>
    public sealed record Conflict(string Reason) : RolloutOutcome;

    /// <summary>This person may not do it.</summary>
    public sealed record Denied(string Reason) : RolloutOutcome;

    /// <summary>It may not be done.</summary>
    public sealed record Refused(string Reason) : RolloutOutcome;
}

/// <summary>Drives rollouts that are in the store.</summary>
internal interface IRolloutRunner
{
    void Run(string rolloutId, string model);

    /// <summary>How a rollout sees the fleet.</summary>
    RolloutWorldReader NewReader();
}

/// <summary>Begins rollouts and carries out what operators ask of them.</summary>
internal sealed class RolloutDesk(Database database, IRolloutRunner runner, SignalBoard signals, TimeProvider time)
{
    public const string IdPrefix = "r";

    public async Task<RolloutOutcome> CreateAsync(RolloutSpec spec, string actor, CancellationToken cancellationToken)
    {
        RolloutOutcome outcome = await database.WriteAsync($"create rollout {spec.Name}", transaction => Create(transaction, spec, actor), cancellationToken);
        if (outcome is RolloutOutcome.Done done)
        {
            runner.Run(done.RolloutId, spec.Model);
        }
        return outcome;
    }

    /// <summary>Begins a rollout that is over again, as it was, with an attempt that no device has refused yet.</summary>
    public async Task<(RolloutOutcome Outcome, RolloutSpec? Spec)> RetryAsync(string idOrName, string actor, CancellationToken cancellationToken)
    {
        (RolloutOutcome outcome, RolloutSpec? spec) = await database.WriteAsync(
            $"retry {idOrName}",
            transaction =>
            {
                if (RolloutStore.FindByIdOrName(transaction, idOrName) is not { } row)
                {
                    return ((RolloutOutcome)new RolloutOutcome.Unknown($"rollout '{idOrName}' is not known"), (RolloutSpec?)null);
                }
                RolloutState state = RolloutDocumentCodec.ReadState(row.State);
                // The policy as it was then: a policy of that name may say something else today.
                RolloutSpec again = state.Spec with { Attempt = RolloutStore.HighestAttempt(transaction, row.Model, row.Digest) + 1, PolicySpec = state.Policy };
                return (Create(transaction, again, actor), (RolloutSpec?)again);
            },
            cancellationToken);
        if (outcome is RolloutOutcome.Done done)
        {
            runner.Run(done.RolloutId, spec!.Model);
        }
        return (outcome, spec);
    }

    /// <summary>What <see cref="CreateAsync"/> would answer and do, without doing it.</summary>
    public Task<RolloutOutcome> PlanAsync(RolloutSpec spec, CancellationToken cancellationToken) =>
        database.ReadAsync(session => Examine(session, spec).Outcome, cancellationToken);

    public Task<RolloutOutcome> CommandAsync(
        string idOrName, OperatorAct act, string reason, string actor, IReadOnlyList<string> roles, CancellationToken cancellationToken) =>
        database.WriteAsync(
            $"{act} {idOrName}",
            transaction =>
            {
                if (RolloutStore.FindByIdOrName(transaction, idOrName) is not { } row)
                {
                    return new RolloutOutcome.Unknown($"rollout '{idOrName}' is not known");
                }
                if (row.Id != idOrName && RolloutStore.ListRunningOfName(transaction, idOrName) is { Count: > 1 } several)
                {
                    return new RolloutOutcome.Conflict($"'{idOrName}' is the name of {several.Count} rollouts that run: {string.Join(", ", several.Select(one => $"{one.Id} ({one.Model})"))}; name one by its id");
                }
                CommandResult result = Apply(transaction, row, act, reason, actor, roles);
                return result.Changed ? new RolloutOutcome.Done(row.Id, result.Message)
                    : result.Denied ? new RolloutOutcome.Denied(result.Message)
                    : (RolloutOutcome)new RolloutOutcome.Conflict(result.Message);
            },
            cancellationToken);

    /// <summary>Carries an act out inside the caller's transaction; the rollout's loop acts on it next.</summary>
    public CommandResult Apply(WriteTransaction transaction, RolloutRow row, OperatorAct act, string reason, string actor, IReadOnlyList<string> roles)
    {
        CommandResult result = RolloutReconciler.Apply(
            RolloutDocumentCodec.ReadState(row.State), new OperatorCommand { Act = act, Reason = reason, By = actor, Roles = roles, At = time.GetUtcNow() });
        string word = act.ToString().ToLowerInvariant();
        if (result.Denied)
        {
            AuditStore.Append(transaction, time.NowMs(), actor, $"rollout.{word}-denied", row.Id, result.Message);
        }
        if (!result.Changed)
        {
            return result;
        }
        if (!RolloutStore.Save(transaction, row, RolloutDocumentCodec.Write(result.State), result.State.Phase.ToString(), null))
        {
            throw new InvalidOperationException($"rollout '{row.Id}' changed inside a transaction of the only writer");
        }
        long now = time.NowMs();
        RolloutStore.AddEvent(transaction, row.Id, now, "", word, reason.Length > 0 ? $"{actor}: {reason}" : actor);
        AuditStore.Append(transaction, now, actor, $"rollout.{word}", row.Id, reason);
        transaction.AfterCommit(() =>
        {
            signals.Notify(SignalBoard.Rollout(row.Id));
            signals.Notify(SignalBoard.RolloutEvents(row.Id));
        });
        return result;
    }

    private RolloutOutcome Create(WriteTransaction transaction, RolloutSpec spec, string actor)
    {
        (RolloutOutcome outcome, RolloutState? state) = Examine(transaction, spec);
        if (state is null)
        {
            return outcome;
        }
        string digest = spec.Candidate.ToString();
        long now = time.NowMs();
        RolloutStore.Add(transaction, new RolloutRow
        {
            Id = state.RolloutId,
            Ordinal = RolloutStore.NextOrdinal(transaction),
            Name = spec.Name,
            Model = spec.Model,
            Digest = digest,
            Attempt = spec.Attempt,
            State = RolloutDocumentCodec.Write(state),
            Phase = state.Phase.ToString(),
            CreatedBy = actor,
            CreatedAt = now,
        });
        RolloutStore.AddEvent(transaction, state.RolloutId, now, "", "created", $"{actor}: {spec.Model} to {digest}, margins {state.MarginsHash}");
        AuditStore.Append(transaction, now, actor, "rollout.created", state.RolloutId, $"'{spec.Name}', model '{spec.Model}', candidate {digest}, attempt {spec.Attempt}");
        return new RolloutOutcome.Done(state.RolloutId, $"rollout '{state.RolloutId}' has begun");
    }

    /// <summary>Whether the rollout may begin: its plan and its first state, or why not.</summary>
    private (RolloutOutcome Outcome, RolloutState? State) Examine(ReadSession session, RolloutSpec spec)
    {
        string digest = spec.Candidate.ToString();
        if (ArtifactStore.Find(session, digest) is not { } artifact)
        {
            return Refuse($"candidate {digest} is not published here; 'edgefleet artifact list' shows what is, 'edgefleet artifact push' publishes");
        }
        if (artifact.Model != spec.Model)
        {
            return Refuse($"candidate {digest} is of model '{artifact.Model}', not '{spec.Model}'; name that model, or one of its artifacts ('edgefleet artifact list')");
        }
        if (PolicyOf(session, spec) is not { } policy)
        {
            return Refuse($"policy '{spec.Policy}' is not known here; put it into the same file, or POST it to /api/v1/policies");
        }
        if (RolloutStore.FindRunning(session, spec.Model) is { } running)
        {
            return (new RolloutOutcome.Conflict(
                $"rollout '{running.Id}' ({running.Name}) of model '{spec.Model}' is {running.Phase}; one at a time: wait for it ('edgefleet rollout watch {running.Id}') or abort it ('edgefleet rollout abort {running.Id} --reason …')"), null);
        }
        if (RetryComplaint(session, spec, digest) is { } complaint)
        {
            return (new RolloutOutcome.Conflict($"rollout '{spec.Name}': {complaint}"), null);
        }
        string id = IdPrefix + RolloutStore.NextOrdinal(session).ToString(System.Globalization.CultureInfo.InvariantCulture);
        RolloutState state = RolloutState.Create(id, spec, policy, SeedOf(id, spec), time.GetUtcNow());
        RolloutPreview preview = RolloutPreview.Of(state, runner.NewReader().Read(session, state, time.GetUtcNow()), Experiences.Read(session, spec.Model));
        return preview.Refusal is { } refusal ? Refuse(refusal) : (new RolloutOutcome.Planned(preview), state);

        (RolloutOutcome, RolloutState?) Refuse(string reason) => (new RolloutOutcome.Refused($"rollout '{spec.Name}': {reason}"), null);
    }

    /// <summary>
    /// The order of a draw by nobody: what it hangs on was there before, and nobody can choose it to suit a device. So a plan
    /// names the devices that the rollout will take, as long as no other rollout comes between.
    /// </summary>
    private static ulong SeedOf(string id, RolloutSpec spec) =>
        BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{id}/{spec.Candidate}/{spec.Attempt}")));

    /// <summary>A digest that was taken back comes again only when a person says so, by a higher attempt.</summary>
    private static string? RetryComplaint(ReadSession session, RolloutSpec spec, string digest)
    {
        int highest = RolloutStore.HighestFailedAttempt(session, spec.Model, digest);
        string? barred = AssignmentStore.FindBar(session, spec.Model, digest);
        if (barred is not null)
        {
            highest = Math.Max(highest, RolloutStore.HighestAttempt(session, spec.Model, digest));
        }
        return (barred is not null || highest > 0) && spec.Attempt <= highest
            ? $"candidate {digest} was taken back in attempt {highest}{(barred is null ? "" : $" ({barred})")}; devices refuse it until spec.attempt is {highest + 1} or higher"
            : null;
    }

    private static PolicySpec? PolicyOf(ReadSession session, RolloutSpec spec) =>
        spec.PolicySpec
        ?? (PolicyStore.Find(session, spec.Policy) is { } row ? RolloutDocumentCodec.ReadPolicy(row.Spec) : null)
        ?? (spec.Policy == PolicySpec.DefaultName ? new PolicySpec() : null);
}

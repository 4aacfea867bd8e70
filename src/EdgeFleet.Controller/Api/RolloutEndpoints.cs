using System.Text;
using System.Text.Json;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Rollouts;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Rollouts: begin, look, explain, steer, follow; and the policies that they name.</summary>
internal static class RolloutEndpoints
{
    private const int MaximumPage = 1000;
    private const int LongestWaitMs = 30_000;

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/rollouts", CreateAsync).Needs(Role.Releaser).WithName("createRollout").Accepts<string>("application/yaml", "application/json")
            .WithSummary("Begins a rollout (kind: Rollout, YAML or JSON; policies in the same file are put in place of their names).").Produces<RolloutCreatedDocument>(201);
        api.MapPost("/rollouts/plan", PlanAsync).Needs(Role.Viewer).WithName("planRollout").Accepts<string>("application/yaml", "application/json")
            .WithSummary("What createRollout would do with the same text, or why it would refuse: devices, stages, least evidence and time. Changes nothing.").Produces<RolloutPlanDocument>();
        api.MapGet("/rollouts", ListAsync).Needs(Role.Viewer).WithName("listRollouts").WithSummary("Rollouts, newest first.").Produces<IReadOnlyList<RolloutSummaryDocument>>();
        api.MapGet("/rollouts/{id}", ShowAsync).Needs(Role.Viewer).WithName("getRollout")
            .WithSummary("A rollout by id, or the newest of that name: classes with their plan and phases, the current verdicts, and so many of its devices.").Produces<RolloutDocument>();
        api.MapGet("/rollouts/{id}/plan", PlanOfAsync).Needs(Role.Viewer).WithName("getRolloutPlan")
            .WithSummary("What a rollout that is there asks of each class, with the devices of the stages to come.").Produces<RolloutPlanDocument>();
        api.MapGet("/rollouts/{id}/devices", DevicesAsync).Needs(Role.Viewer).WithName("listRolloutDevices")
            .WithSummary("Devices of a rollout with their evidence, in the order in which stages take them, those behind one of them.").Produces<IReadOnlyList<RolloutDeviceDocument>>();
        api.MapGet("/rollouts/{id}/explain", ExplainAsync).Needs(Role.Viewer).WithName("explainRollout")
            .WithSummary("Every stored verdict, computed again from its stored inputs, and whether it came out the same to the last bit, or what differs; inputs=true shows what each rests on.")
            .Produces<ExplanationDocument>();
        api.MapGet("/rollouts/{id}/events", EventsAsync).Needs(Role.Viewer).WithName("followRollout")
            .WithSummary("The timeline after an event; waits up to waitMs for more.").Produces<RolloutEventsDocument>();
        foreach ((string act, OperatorAct what, string summary) in (ReadOnlySpan<(string, OperatorAct, string)>)[
            ("approve", OperatorAct.Approve, "Lets classes that wait for a person go on; 403 where the stage asks for a role that the caller does not hold."),
            ("pause", OperatorAct.Pause, "Begins nothing new; what runs goes on and harm is still taken back."),
            ("resume", OperatorAct.Resume, "Ends a pause and gives inconclusive stages their time again."),
            ("abort", OperatorAct.Abort, "Takes the candidate back everywhere.")])
        {
            api.MapPost($"/rollouts/{{id}}/{act}", (string id, ReasonRequest? request, HttpContext http, RolloutDesk desk, Database database, CancellationToken cancellationToken) =>
                    ActAsync(id, what, request, http, desk, database, cancellationToken))
                .Needs(Role.Operator).WithName($"{act}Rollout").WithSummary(summary).Produces<RolloutActDocument>();
        }
        api.MapPost("/rollouts/{id}/retry", RetryAsync).Needs(Role.Releaser).WithName("retryRollout")
            .WithSummary("Begins a rollout that is over again, as it was, with the next attempt.").Produces<RolloutCreatedDocument>(201);
        api.MapGet("/policies", ListPoliciesAsync).Needs(Role.Viewer).WithName("listPolicies").WithSummary("Named policies.").Produces<IReadOnlyList<PolicyDocument>>();
        api.MapPost("/policies", PutPolicyAsync).Needs(Role.Releaser).WithName("putPolicy").Accepts<string>("application/yaml", "application/json")
            .WithSummary("Stores a policy (kind: Policy) under its name; rollouts that run keep the one they began with.").Produces<PolicyDocument>();
    }

    private static async Task<IResult> CreateAsync(HttpContext http, RolloutDesk desk, CancellationToken cancellationToken)
    {
        RolloutSpec spec;
        try
        {
            spec = SpecFile.ParseRollout(await ReadTextAsync(http, cancellationToken));
        }
        catch (SpecException ex)
        {
            return Problems.BadRequest(ex.Message);
        }
        return await desk.CreateAsync(spec, OperatorAccess.Caller(http), cancellationToken) switch
        {
            RolloutOutcome.Done done => TypedResults.Created($"/api/v1/rollouts/{done.RolloutId}", new RolloutCreatedDocument(done.RolloutId, spec.Name, spec.Model, "pending", spec.Attempt)),
            var other => Problem(other),
        };
    }

    private static async Task<IResult> RetryAsync(string id, HttpContext http, RolloutDesk desk, CancellationToken cancellationToken)
    {
        (RolloutOutcome outcome, RolloutSpec? spec) = await desk.RetryAsync(id, OperatorAccess.Caller(http), cancellationToken);
        return outcome is RolloutOutcome.Done done
            ? TypedResults.Created($"/api/v1/rollouts/{done.RolloutId}", new RolloutCreatedDocument(done.RolloutId, spec!.Name, spec.Model, "pending", spec.Attempt))
            : Problem(outcome);
    }

    private static async Task<IResult> PlanAsync(HttpContext http, RolloutDesk desk, CancellationToken cancellationToken)
    {
        RolloutSpec spec;
        try
        {
            spec = SpecFile.ParseRollout(await ReadTextAsync(http, cancellationToken));
        }
        catch (SpecException ex)
        {
            return Problems.BadRequest(ex.Message);
        }
        return await desk.PlanAsync(spec, cancellationToken) switch
        {
            RolloutOutcome.Planned planned => TypedResults.Ok(RolloutPlanDocuments.Of(spec, planned.Preview)),
            var other => Problem(other),
        };
    }

    private static async Task<IResult> PlanOfAsync(string id, Database database, DeviceStreams streams, IRolloutRunner runner, TimeProvider time, CancellationToken cancellationToken)
    {
        RolloutPlanDocument? plan = await database.ReadAsync(
            session =>
            {
                if (RolloutStore.FindByIdOrName(session, id) is not { } row)
                {
                    return null;
                }
                RolloutState state = RolloutDocumentCodec.ReadState(row.State);
                IReadOnlyDictionary<string, ClassExperience> experience = Experiences.Read(session, row.Model);
                return state.Classes.Count == 0
                    ? RolloutPlanDocuments.Of(state.Spec, RolloutPreview.Of(state, runner.NewReader().Read(session, state, time.GetUtcNow()), experience))
                    : RolloutPlanDocuments.Of(state, experience, state.Classes.SelectMany(c => c.Devices).Select(d => d.DeviceId).Where(device => !streams.IsConnected(device)).ToHashSet(StringComparer.Ordinal));
            },
            cancellationToken);
        return plan is not null ? TypedResults.Ok(plan) : Unknown(id);
    }

    private static async Task<IResult> ListAsync(Database database, CancellationToken cancellationToken, int limit = 100)
    {
        IReadOnlyList<RolloutRow> rows = await database.ReadAsync(session => RolloutStore.List(session, Math.Clamp(limit, 1, MaximumPage)), cancellationToken);
        IReadOnlyList<RolloutSummaryDocument> items = [.. rows.Select(RolloutView.Summary)];
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> ShowAsync(
        string id, Database database, DeviceStreams streams, RolloutHost host, CancellationToken cancellationToken, int devices = MaximumPage)
    {
        devices = Math.Clamp(devices, 0, MaximumPage);
        RolloutDocument? document = await database.ReadAsync(
            session => RolloutStore.FindByIdOrName(session, id) is { } row ? RolloutView.Whole(session, row, streams, host.CurrentOf(row.Id), devices) : null, cancellationToken);
        return document is not null ? TypedResults.Ok(document) : Unknown(id);
    }

    private static async Task<IResult> DevicesAsync(
        string id, Database database, DeviceStreams streams, CancellationToken cancellationToken, string after = "", int limit = 200)
    {
        limit = Math.Clamp(limit, 1, MaximumPage);
        IReadOnlyList<RolloutDeviceDocument>? items = await database.ReadAsync(
            session => RolloutStore.FindByIdOrName(session, id) is { } row ? RolloutView.Devices(session, row, streams, after, limit) : null, cancellationToken);
        return items is not null ? TypedResults.Ok(items) : Unknown(id);
    }

    private static async Task<IResult> ExplainAsync(string id, Database database, CancellationToken cancellationToken, bool inputs = false)
    {
        RolloutRow? row = await database.ReadAsync(session => RolloutStore.FindByIdOrName(session, id), cancellationToken);
        if (row is null)
        {
            return Unknown(id);
        }
        StoredReplays replays = new(row.Id);
        List<ExplainedVerdictDocument> verdicts = [];
        foreach (long seq in await database.ReadAsync(session => RolloutStore.ListVerdictNumbers(session, row.Id), cancellationToken))
        {
            VerdictRow stored = (await database.ReadAsync(session => RolloutStore.FindVerdict(session, row.Id, seq), cancellationToken))!;
            StoredVerdict verdict = RolloutDocumentCodec.ReadVerdict(stored.Stored);
            bool? replayed = await database.ReadAsync(session => replays.Same(verdict.Input, session), cancellationToken);
            verdicts.Add(Explain(seq, verdict, replayed, inputs));
        }
        return TypedResults.Ok(new ExplanationDocument(
            row.Id, verdicts.TrueForAll(verdict => verdict.RecomputedEqual != false && verdict.ReplayedEqual != false), RolloutPlanDocuments.Of(RolloutDocumentCodec.ReadState(row.State)), verdicts, ApiDescription.Version));
    }

    private static ExplainedVerdictDocument Explain(long seq, StoredVerdict stored, bool? replayed, bool inputs)
    {
        Recomputation again = Gate.Recompute(stored);
        return new ExplainedVerdictDocument(
            seq, again.NotComparable is null ? again.Same : null, replayed, JsonSerializer.SerializeToElement(stored.Verdict, RolloutsJsonContext.Default.GateVerdict),
            again.Same || again.Verdict is null ? null : JsonSerializer.SerializeToElement(again.Verdict, RolloutsJsonContext.Default.GateVerdict),
            inputs ? JsonSerializer.SerializeToElement(stored.Input, RolloutsJsonContext.Default.GateInput) : null,
            stored.Verdict.Metrics.Count == 0 ? [] : [.. MetricThreshold.Of(stored.Input.Margins, stored.Input.Calibration, stored.Input.Rules).Select(ThresholdDocument.Of)])
        {
            NotRecomputed = again.NotComparable, Differences = again.Differences.Count > 0 ? again.Differences : null,
        };
    }

    private static async Task<IResult> EventsAsync(
        string id, Database database, SignalBoard signals, TimeProvider time, CancellationToken cancellationToken, long after = 0, int limit = 200, int waitMs = 0)
    {
        RolloutRow? row = await database.ReadAsync(session => RolloutStore.FindByIdOrName(session, id), cancellationToken);
        if (row is null)
        {
            return Unknown(id);
        }
        DateTimeOffset until = time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Clamp(waitMs, 0, LongestWaitMs));
        while (true)
        {
            Task more = signals.Next(SignalBoard.RolloutEvents(row.Id));
            (IReadOnlyList<RolloutEventRow> events, bool ended) = await database.ReadAsync(
                session => (RolloutStore.ListEvents(session, row.Id, after, Math.Clamp(limit, 1, MaximumPage)), RolloutStore.Find(session, row.Id)?.EndedAt is not null), cancellationToken);
            TimeSpan left = until - time.GetUtcNow();
            if (events.Count > 0 || ended || left <= TimeSpan.Zero)
            {
                return TypedResults.Ok(new RolloutEventsDocument(
                    [.. events.Select(e => new RolloutEventDocument(e.Seq, Clock.FromMs(e.At), e.HardwareClass, e.Kind, e.Message))],
                    events.Count > 0 ? events[^1].Seq : after, ended));
            }
            await LongPoll.WaitAsync(more, left, time, cancellationToken);
        }
    }

    private static async Task<IResult> ActAsync(
        string id, OperatorAct act, ReasonRequest? request, HttpContext http, RolloutDesk desk, Database database, CancellationToken cancellationToken)
    {
        if (TextLimits.Complaint("reason", request?.Reason) is { } complaint)
        {
            return Problems.BadRequest($"rollout '{id}': {complaint}");
        }
        RolloutOutcome outcome = await desk.CommandAsync(id, act, request?.Reason ?? "", OperatorAccess.Caller(http), OperatorAccess.RolesOfCaller(http), cancellationToken);
        if (outcome is not RolloutOutcome.Done done)
        {
            return Problem(outcome);
        }
        RolloutRow row = (await database.ReadAsync(session => RolloutStore.Find(session, done.RolloutId), cancellationToken))!;
        return TypedResults.Ok(new RolloutActDocument(row.Id, RolloutView.Summary(row).State, done.Message));
    }

    private static async Task<IResult> ListPoliciesAsync(Database database, CancellationToken cancellationToken)
    {
        IReadOnlyList<PolicyRow> rows = await database.ReadAsync(PolicyStore.List, cancellationToken);
        List<PolicyDocument> items = [.. rows.Select(row => Document(RolloutDocumentCodec.ReadPolicy(row.Spec), row.UpdatedBy, Clock.FromMs(row.UpdatedAt)))];
        if (items.TrueForAll(policy => policy.Name != PolicySpec.DefaultName))
        {
            items.Insert(0, Document(new PolicySpec(), null, null));
        }
        return TypedResults.Ok<IReadOnlyList<PolicyDocument>>(items);
    }

    private static async Task<IResult> PutPolicyAsync(HttpContext http, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        PolicySpec policy;
        try
        {
            policy = SpecFile.ParsePolicy(await ReadTextAsync(http, cancellationToken));
        }
        catch (SpecException ex)
        {
            return Problems.BadRequest(ex.Message);
        }
        string caller = OperatorAccess.Caller(http);
        long now = time.NowMs();
        await database.WriteAsync(
            $"policy {policy.Name}",
            transaction =>
            {
                PolicyStore.Put(transaction, new PolicyRow { Name = policy.Name, Spec = RolloutDocumentCodec.Write(policy), UpdatedBy = caller, UpdatedAt = now });
                AuditStore.Append(transaction, now, caller, "policy.put", policy.Name, "");
            },
            cancellationToken);
        return TypedResults.Ok(Document(policy, caller, Clock.FromMs(now)));
    }

    private static PolicyDocument Document(PolicySpec policy, string? by, DateTimeOffset? at) =>
        new(policy.Name, JsonSerializer.SerializeToElement(policy, RolloutsJsonContext.Default.PolicySpec), by, at);

    private static async Task<string> ReadTextAsync(HttpContext http, CancellationToken cancellationToken)
    {
        // One more than may be read, so that the parser sees and says that it is too long.
        using StreamReader reader = new(http.Request.Body, Encoding.UTF8);
        char[] text = new char[SpecFile.MaximumCharacters + 1];
        int read = await reader.ReadBlockAsync(text, cancellationToken);
        return new string(text, 0, read);
    }

    private static IResult Problem(RolloutOutcome outcome) => outcome switch
    {
        RolloutOutcome.Unknown unknown => Problems.NotFound(unknown.Reason),
        RolloutOutcome.Conflict conflict => Problems.Conflict(conflict.Reason),
        RolloutOutcome.Denied denied => Problems.Forbidden(denied.Reason),
        RolloutOutcome.Refused refused => Problems.Unprocessable(refused.Reason),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static IResult Unknown(string id) => Problems.NotFound($"rollout '{id}' is not known");
}

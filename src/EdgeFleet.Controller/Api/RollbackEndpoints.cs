using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Specs;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Taking a digest back, and following how devices return.</summary>
internal static class RollbackEndpoints
{
    private const int LongestWaitMs = 30_000;
    private const string Done = "done";
    private const string Failed = "failed";
    private const string Pending = "pending";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/rollbacks", OrderAsync).Needs(Role.Operator).WithName("rollBack")
            .WithSummary("Takes a digest back on every device that serves it (default: what a running rollout brings, which is stopped; else the newest activated) and bars it for newcomers. Devices that hold nothing to go back to are left as they are and listed. Who is not back is told again each time; once all are, it changes nothing.")
            .Produces<RollbackDocument>(201);
        api.MapGet("/rollbacks/{id}", ShowAsync).Needs(Role.Viewer).WithName("getRollback")
            .WithSummary("How far a rollback is; waits up to waitMs for the last device that is on line.").Produces<RollbackDocument>();
    }

    private static async Task<IResult> OrderAsync(
        RollbackRequest request, HttpContext http, RollbackDesk desk, Database database, DeviceStreams streams, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Identifier.IsValid(request.Model))
        {
            return Problems.BadRequest($"model '{request.Model}': expected {Identifier.Rule}");
        }
        if (!TryDigest(request.From, out Digest? from) || !TryDigest(request.To, out Digest? to))
        {
            return Problems.BadRequest($"from '{request.From}', to '{request.To}': expected digests (sha256:…) or nothing");
        }
        if (!Selector.TryParse(request.Selector ?? "", out Selector? selector, out string? wrong))
        {
            return Problems.BadRequest($"selector '{request.Selector}': {wrong}");
        }
        if (TextLimits.Complaint("reason", request.Reason) is { } complaint)
        {
            return Problems.BadRequest(complaint);
        }
        RollbackOutcome outcome = await desk.OrderAsync(
            new RollbackWish(request.Model, from, to, selector, request.Reason ?? "", OperatorAccess.Caller(http)), cancellationToken);
        return outcome switch
        {
            RollbackOutcome.Ordered ordered => TypedResults.Created(
                $"/api/v1/rollbacks/{ordered.Rollback.Id}", await database.ReadAsync(session => Document(session, ordered.Rollback, streams, time) with
                {
                    Untouched = ordered.Untouched,
                    Withdrawn = ordered.Withdrawn,
                    Unknown = ordered.Unknown,
                    Stopped = ordered.Stopped,
                    Lifted = ordered.Lifted ? true : null,
                    Barred = ordered.Barred,
                    Newcomers = [.. ordered.Newcomers.Select(row => new NewcomersDocument(row.Selector, row.Digest))],
                }, cancellationToken)),
            RollbackOutcome.Refused refused => Problems.Unprocessable(refused.Reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<IResult> ShowAsync(
        string id, Database database, DeviceStreams streams, SignalBoard signals, TimeProvider time, CancellationToken cancellationToken, int waitMs = 0)
    {
        RollbackRow? row = await database.ReadAsync(session => RollbackStore.Find(session, id), cancellationToken);
        if (row is null)
        {
            return Problems.NotFound($"rollback '{id}' is not known");
        }
        DateTimeOffset until = time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Clamp(waitMs, 0, LongestWaitMs));
        while (true)
        {
            Task news = signals.Next(SignalBoard.Rollback(row.Model));
            TimeSpan left = until - time.GetUtcNow();
            // Only those that are still open are looked at again: each report of a device of the model wakes this.
            bool waits = left > TimeSpan.Zero && await database.ReadAsync(
                session => RollbackStore.ListOpen(session, row).Any(device => StateOf(device, streams) == Pending), cancellationToken);
            if (!waits)
            {
                return TypedResults.Ok(await database.ReadAsync(session => Document(session, row, streams, time), cancellationToken));
            }
            await LongPoll.WaitAsync(news, left, time, cancellationToken);
        }
    }

    private static RollbackDocument Document(ReadSession session, RollbackRow row, DeviceStreams streams, TimeProvider time)
    {
        List<RollbackDeviceDocument> devices = [.. RollbackStore.ListDevices(session, row).Select(device => Device(device, row, streams))];
        bool done = devices.TrueForAll(device => device.State == Done);
        double? slowest = devices.Max(device => device.ElapsedMs);
        return new RollbackDocument(
            row.Id, row.Model, row.FromDigest, row.ToDigest, row.Selector, row.Reason, row.CreatedBy, Clock.FromMs(row.CreatedAt),
            done, done ? slowest ?? 0 : time.NowMs() - row.CreatedAt, slowest, devices);
    }

    private static RollbackDeviceDocument Device(RollbackDeviceRow device, RollbackRow row, DeviceStreams streams)
    {
        string state = StateOf(device, streams);
        return new RollbackDeviceDocument(
            device.DeviceId, state, device.ToDigest, device.Active, device.Generation, Clock.FromMs(device.ServingSinceDevice),
            device.DoneAt is { } at ? at - row.CreatedAt : null, state == Failed ? device.Detail : null);
    }

    private static string StateOf(RollbackDeviceRow device, DeviceStreams streams) =>
        device.DoneAt is not null ? Done
        : device.Phase is nameof(DeploymentPhase.FailedUnchanged) or nameof(DeploymentPhase.FailedRolledBack)
            or nameof(DeploymentPhase.FailedCouldNotRollBack) or nameof(DeploymentPhase.Refused) ? Failed
        : streams.IsConnected(device.DeviceId) ? Pending : "offline";

    private static bool TryDigest(string? text, out Digest? digest)
    {
        digest = null;
        if (string.IsNullOrEmpty(text))
        {
            return true;
        }
        if (!Digest.TryParse(text, out Digest parsed))
        {
            return false;
        }
        digest = parsed;
        return true;
    }
}

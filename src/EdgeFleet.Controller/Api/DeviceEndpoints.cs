using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Trust.Enrollment;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Devices and the tokens that let them in.</summary>
internal static class DeviceEndpoints
{
    private const int MaximumPage = 1000;
    private const int ReadPage = 200;
    private const int MaximumTokenUses = 100_000;
    private const int MaximumLabels = 32;
    private static readonly TimeSpan s_longestToken = TimeSpan.FromDays(7);

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/enrollment-tokens", CreateTokenAsync).Needs(Role.Operator).WithName("createEnrollmentToken")
            .WithSummary("A token that lets devices in, with the bundle to put on them; shown this once.").Produces<TokenDocument>(201);
        api.MapGet("/devices", ListAsync).Needs(Role.Viewer).WithName("listDevices")
            .WithSummary("Devices in order of their id, from one on; selector asks labels and facts.").Produces<IReadOnlyList<DeviceDocument>>();
        api.MapGet("/devices/{id}", ShowAsync).Needs(Role.Viewer).WithName("getDevice")
            .WithSummary("A device with its desired and reported state, deployments and last events.").Produces<DeviceDocument>();
        api.MapPost("/devices/{id}/approve", ApproveAsync).Needs(Role.Operator).WithName("approveDevice")
            .WithSummary("Lets a device in that waits for approval.").Produces<DeviceDocument>();
        api.MapPost("/devices/{id}/revoke", RevokeAsync).Needs(Role.Operator).WithName("revokeDevice")
            .WithSummary("Shuts a device out from its next call on and closes its stream.").Produces<DeviceDocument>();
        api.MapDelete("/devices/{id}", RemoveAsync).Needs(Role.Operator).WithName("removeDevice")
            .WithSummary("Removes a device that was revoked or never approved, so that its name may enrol again.").Produces(204);
    }

    private static async Task<IResult> CreateTokenAsync(
        TokenRequest request, HttpContext http, Database database, FleetAuthority authority, Listeners listeners, TimeProvider time, CancellationToken cancellationToken)
    {
        int uses = request.Count ?? 1;
        TimeSpan lifetime = TimeSpan.FromSeconds(request.TtlSeconds ?? 900);
        if (request.DeviceId is { } bound && !Identifier.IsValid(bound))
        {
            return Problems.BadRequest($"deviceId '{bound}': expected {Identifier.Rule}");
        }
        if (request.Group is { } group && !Identifier.IsValid(group))
        {
            return Problems.BadRequest($"group '{group}': expected {Identifier.Rule}");
        }
        if (uses is < 1 or > MaximumTokenUses || (request.DeviceId is not null && uses != 1))
        {
            return Problems.BadRequest($"count {uses}: expected 1 to {MaximumTokenUses}, and 1 for a token that is bound to a device");
        }
        if (LabelComplaint(request.Labels) is { } complaint)
        {
            return Problems.BadRequest(complaint);
        }
        if (lifetime < TimeSpan.FromSeconds(1) || lifetime > s_longestToken)
        {
            return Problems.BadRequest($"ttlSeconds {lifetime.TotalSeconds}: expected 1 to {s_longestToken.TotalSeconds}");
        }

        string token = EnrollmentToken.Create();
        long now = time.NowMs();
        TokenRow row = new()
        {
            TokenSha256 = EnrollmentToken.Hash(token)!,
            DeviceId = request.DeviceId,
            DeviceGroup = request.Group,
            UsesLeft = uses,
            ExpiresAt = now + (long)lifetime.TotalMilliseconds,
            AutoApprove = request.AutoApprove ?? false,
            Labels = StoreJson.Write(request.Labels ?? []),
            CreatedBy = OperatorAccess.Caller(http),
            CreatedAt = now,
        };
        await database.WriteAsync(
            "enrolment token",
            transaction =>
            {
                EnrollmentStore.AddToken(transaction, row);
                AuditStore.Append(
                    transaction, now, row.CreatedBy, "token.created", row.DeviceId ?? row.DeviceGroup ?? "any device",
                    $"{row.TokenSha256[..12]} for {uses} device(s) until {Clock.FromMs(row.ExpiresAt):u}{(row.AutoApprove ? ", approved beforehand" : "")}");
            },
            cancellationToken);
        return TypedResults.Created(
            (string?)null,
            new TokenDocument(token, Clock.FromMs(row.ExpiresAt), new BundleDocument(listeners.EnrollUrl, authority.RootPin, authority.RootPem, token)));
    }

    private static async Task<IResult> ListAsync(
        Database database, DeviceStreams streams, CancellationToken cancellationToken, string? selector = null, int limit = 200, string after = "")
    {
        if (!Selector.TryParse(selector ?? "", out Selector? parsed, out string? wrong))
        {
            return Problems.BadRequest($"selector '{selector}': {wrong}");
        }
        limit = Math.Clamp(limit, 1, MaximumPage);
        List<DeviceDocument> items = [];
        while (items.Count < limit)
        {
            // A snapshot for each page: a listing of a large fleet holds no reader for long.
            (IReadOnlyList<DeviceRow> rows, List<DeviceDocument> matching) = await database.ReadAsync(
                session =>
                {
                    IReadOnlyList<DeviceRow> page = DeviceStore.List(session, after, ReadPage);
                    List<DeviceRow> wanted = [.. page.Where(row => parsed.Matches(DeviceAttributes.Of(row))).Take(limit - items.Count)];
                    return (page, DeviceDocuments.Page(session, wanted, streams).ToList());
                },
                cancellationToken);
            items.AddRange(matching);
            if (rows.Count < ReadPage)
            {
                break;
            }
            after = rows[^1].Id;
        }
        return TypedResults.Ok<IReadOnlyList<DeviceDocument>>(items);
    }

    private static async Task<IResult> ShowAsync(string id, Database database, DeviceStreams streams, MetricBoard metrics, CancellationToken cancellationToken)
    {
        DeviceDocument? document = await database.ReadAsync(
            session => DeviceStore.Find(session, id) is { } row ? DeviceDocuments.Whole(session, row, streams) : null, cancellationToken);
        return document is not null ? TypedResults.Ok(document with { Metrics = metrics.Find(id) }) : Unknown(id);
    }

    private static async Task<IResult> ApproveAsync(
        string id, HttpContext http, DeviceRegistry registry, Database database, DeviceStreams streams, MetricBoard metrics, CancellationToken cancellationToken) =>
        await AnswerAsync(id, await registry.ApproveAsync(id, OperatorAccess.Caller(http), cancellationToken), database, streams, metrics, cancellationToken);

    private static async Task<IResult> RevokeAsync(
        string id, ReasonRequest request, HttpContext http, DeviceRegistry registry, Database database, DeviceStreams streams, MetricBoard metrics, CancellationToken cancellationToken) =>
        string.IsNullOrWhiteSpace(request.Reason)
            ? Problems.BadRequest($"device '{id}': a reason is needed to revoke it")
            : TextLimits.Complaint("reason", request.Reason) is { } complaint
            ? Problems.BadRequest($"device '{id}': {complaint}")
            : await AnswerAsync(id, await registry.RevokeAsync(id, request.Reason, OperatorAccess.Caller(http), cancellationToken), database, streams, metrics, cancellationToken);

    private static async Task<IResult> RemoveAsync(string id, HttpContext http, DeviceRegistry registry, CancellationToken cancellationToken) =>
        await registry.RemoveAsync(id, OperatorAccess.Caller(http), cancellationToken) switch
        {
            RegistryOutcome.Done => TypedResults.NoContent(),
            RegistryOutcome.Conflict conflict => Problems.Conflict(conflict.Reason),
            _ => Unknown(id),
        };

    private static async Task<IResult> AnswerAsync(
        string id, RegistryOutcome outcome, Database database, DeviceStreams streams, MetricBoard metrics, CancellationToken cancellationToken) => outcome switch
    {
        RegistryOutcome.Done => await ShowAsync(id, database, streams, metrics, cancellationToken),
        RegistryOutcome.Conflict conflict => Problems.Conflict(conflict.Reason),
        _ => Unknown(id),
    };

    private static string? LabelComplaint(Dictionary<string, string>? labels) => labels switch
    {
        null => null,
        { Count: > MaximumLabels } => $"labels: {labels.Count} of them; at most {MaximumLabels}",
        _ when labels.Keys.FirstOrDefault(name => name.Length is 0 or > 64) is { } name => $"label '{ReportText.Clean(name, 64)}': a name has 1 to 64 characters",
        _ when labels.FirstOrDefault(label => label.Value is null or { Length: > 256 }) is { Key: { } key } => $"label '{key}': a value has at most 256 characters",
        _ => null,
    };

    private static IResult Unknown(string id) => Problems.NotFound($"device '{id}' is not known");
}

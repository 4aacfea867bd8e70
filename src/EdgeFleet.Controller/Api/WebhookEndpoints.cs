using System.Security.Cryptography;
using System.Text.Json.Serialization;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Who is told of rollout and device events.</summary>
internal static class WebhookEndpoints
{
    private const int Most = 32;
    private const int LongestUrl = 2000;

    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/webhooks", ListAsync).Needs(Role.Admin).WithName("listWebhooks").WithSummary("Who is told of events, and how far.").Produces<IReadOnlyList<WebhookDocument>>();
        api.MapPost("/webhooks", AddAsync).Needs(Role.Admin).WithName("addWebhook")
            .WithSummary("Tells an address of events from now on; the secret that signs them is shown this once.").Produces<WebhookDocument>(201);
        api.MapPost("/webhooks/{id}/test", TestAsync).Needs(Role.Admin).WithName("testWebhook").WithSummary("Sends one event of type controller.test at once.").Produces(204);
        api.MapDelete("/webhooks/{id}", RemoveAsync).Needs(Role.Admin).WithName("removeWebhook").WithSummary("It is told no more.").Produces(204);
    }

    private static async Task<IResult> ListAsync(Database database, CancellationToken cancellationToken)
    {
        IReadOnlyList<WebhookDocument> items = await database.ReadAsync<IReadOnlyList<WebhookDocument>>(
            session => [.. WebhookStore.List(session).Where(row => row.Id != AlarmPublisher.Id).Select(row => DocumentOf(row, WebhookStore.CountAfter(session, row.Delivered)))], cancellationToken);
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> AddAsync(WebhookRequest request, HttpContext http, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        string[] events = request.Events is { Count: > 0 } asked ? [.. asked.Distinct(StringComparer.Ordinal)] : [EventPatterns.All];
        if (Complaint(request.Url) is { } wrong)
        {
            return Problems.BadRequest(wrong);
        }
        if (events.Select(EventPatterns.Complaint).OfType<string>().FirstOrDefault() is { } complaint)
        {
            return Problems.BadRequest(complaint);
        }
        string caller = OperatorAccess.Caller(http);
        WebhookRow row = new()
        {
            Id = "wh-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)), Url = request.Url, Secret = WebhookSignature.NewSecret(),
            Events = string.Join(',', events), CreatedBy = caller, CreatedAt = time.NowMs(),
        };
        bool added = await database.WriteAsync(
            $"add webhook {row.Id}",
            transaction =>
            {
                if (WebhookStore.List(transaction).Count(row => row.Id != AlarmPublisher.Id) >= Most)
                {
                    return false;
                }
                WebhookStore.Add(transaction, row);
                AuditStore.Append(transaction, time.NowMs(), caller, "webhook.added", row.Id, $"{row.Url}: {row.Events}");
                return true;
            },
            cancellationToken);
        return added
            ? TypedResults.Created((string?)null, DocumentOf(row, 0) with { Secret = row.Secret })
            : Problems.Conflict($"there are {Most} webhooks already; remove one that is not needed");
    }

    private static async Task<IResult> TestAsync(string id, Database database, WebhookSender sender, TimeProvider time, CancellationToken cancellationToken)
    {
        if (id == AlarmPublisher.Id || await database.ReadAsync(session => WebhookStore.Find(session, id), cancellationToken) is not { } row)
        {
            return Unknown(id);
        }
        FeedRow test = new() { At = time.NowMs(), Source = "controller", Type = "controller.test", Data = """{"message":"a test"}""" };
        return await sender.SendAsync(row, test, cancellationToken) is { } error ? Problems.Unprocessable($"webhook '{id}' at {row.Url}: {error}") : TypedResults.NoContent();
    }

    private static async Task<IResult> RemoveAsync(string id, HttpContext http, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        bool removed = await database.WriteAsync(
            $"remove webhook {id}",
            transaction =>
            {
                bool known = id != AlarmPublisher.Id && WebhookStore.Remove(transaction, id);
                if (known)
                {
                    AuditStore.Append(transaction, time.NowMs(), OperatorAccess.Caller(http), "webhook.removed", id, "");
                }
                return known;
            },
            cancellationToken);
        return removed ? TypedResults.NoContent() : Unknown(id);
    }

    private static string? Complaint(string url) =>
        url.Length > LongestUrl ? $"url of {url.Length} characters: at most {LongestUrl}"
        : !Uri.TryCreate(url, UriKind.Absolute, out Uri? parsed) || parsed.Scheme is not ("http" or "https") || parsed.Host.Length == 0 ? $"url '{url}': expected an address such as https://alerts.example.org/edgefleet"
        : parsed.UserInfo.Length > 0 ? "url: a password in an address ends up in logs; the signature tells the receiver who calls"
        : null;

    private static IResult Unknown(string id) => Problems.NotFound($"webhook '{id}' is not known");

    private static WebhookDocument DocumentOf(WebhookRow row, long pending) => new()
    {
        Id = row.Id,
        Url = row.Url,
        Events = row.Events.Split(','),
        CreatedBy = row.CreatedBy,
        CreatedAt = Clock.FromMs(row.CreatedAt),
        Pending = pending,
        Missed = row.Missed,
        Failures = row.Failures,
        RetryAt = row.RetryAt > 0 ? Clock.FromMs(row.RetryAt) : null,
        LastError = row.LastError,
        LastSuccessAt = row.LastSuccessAt is { } at ? Clock.FromMs(at) : null,
    };
}

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record WebhookRequest(string Url, IReadOnlyList<string>? Events);

internal sealed record WebhookDocument
{
    public required string Id { get; init; }
    public required string Url { get; init; }
    /// <summary>Which events: <c>rollout.classTakenBack</c>, <c>device.*</c>, <c>*</c>.</summary>
    public required IReadOnlyList<string> Events { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    /// <summary>Events that it has not been told of yet, those that it does not want among them.</summary>
    public required long Pending { get; init; }
    /// <summary>Events that were given up after seven days.</summary>
    public required long Missed { get; init; }
    /// <summary>Attempts in a row that failed.</summary>
    public required int Failures { get; init; }
    public DateTimeOffset? RetryAt { get; init; }
    public string? LastError { get; init; }
    public DateTimeOffset? LastSuccessAt { get; init; }
    /// <summary>Only where it was just made.</summary>
    public string? Secret { get; init; }
}

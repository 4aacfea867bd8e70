using System.Text;
using System.Text.Json;
using EdgeFleet.Controller.Artifacts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Content by its digest, and the signed artifacts made of it.</summary>
internal static class ArtifactEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapMethods("/content/{sha256}", ["HEAD"], HeadContent).Needs(Role.Viewer).WithName("hasContent").WithSummary("Whether content is here.").Produces(200);
        api.MapGet("/content/{sha256}", GetContent).Needs(Role.Viewer).WithName("getContent").WithSummary("A file by the SHA-256 of its content; ranges are served.");
        api.MapPut("/content/{sha256}", PutContentAsync).Needs(Role.Releaser).WithName("putContent")
            .WithSummary("Sends a file; it is stored when its content has the digest. Sending it again changes nothing.").Produces<ContentDocument>();
        api.MapPost("/artifacts", PublishAsync).Needs(Role.Releaser).WithName("publishArtifact")
            .WithSummary("Publishes a signed artifact whose content is here, on evidence that passed.").Produces<PublishedDocument>(201);
        api.MapGet("/artifacts", ListAsync).Needs(Role.Viewer).WithName("listArtifacts").WithSummary("Published artifacts, newest first.").Produces<IReadOnlyList<ArtifactDocument>>();
        api.MapGet("/artifacts/{digest}", ShowAsync).Needs(Role.Viewer).WithName("getArtifact").WithSummary("An artifact with its manifest and evidence.").Produces<ArtifactDocument>();
        api.MapGet("/artifacts/{digest}/manifest", ManifestAsync).Needs(Role.Viewer).WithName("getManifest").WithSummary("The DSSE envelope as it was published.");
    }

    private static IResult HeadContent(string sha256, ContentStore content) => !Digest.TryParse(sha256, out Digest digest)
        ? NotADigest(sha256)
        : content.SizeOf(digest) is not null ? TypedResults.Ok() : Problems.NotFound($"content {digest} is not here");

    private static IResult GetContent(string sha256, ContentStore content) => !Digest.TryParse(sha256, out Digest digest)
        ? NotADigest(sha256)
        : content.SizeOf(digest) is null
            ? Problems.NotFound($"content {digest} is not here")
            : TypedResults.Stream(content.Open(digest), "application/octet-stream", enableRangeProcessing: true);

    private static async Task<IResult> PutContentAsync(string sha256, HttpContext http, ContentStore content, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(sha256, out Digest digest))
        {
            return NotADigest(sha256);
        }
        // The store's own cap counts; the server's 30 MB default would cut models off.
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }
        return await content.PutAsync(digest, http.Request.Body, cancellationToken) switch
        {
            PutResult.Stored stored => TypedResults.Ok(new ContentDocument(digest.ToString(), stored.SizeBytes)),
            PutResult.TooLarge large => Problems.TooLarge($"content {digest}: more than {large.MaximumBytes} bytes"),
            PutResult.WrongContent wrong => Problems.Unprocessable($"content {digest}: the {wrong.SizeBytes} bytes that came have digest {wrong.Actual}"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<IResult> PublishAsync(ArtifactRequest request, HttpContext http, Publisher publisher, CancellationToken cancellationToken)
    {
        if (request.Envelope.ValueKind != JsonValueKind.Object)
        {
            return Problems.BadRequest($"envelope: expected a DSSE envelope (an object), got {request.Envelope.ValueKind}");
        }
        if (TextLimits.Complaint("overrideReason", request.OverrideReason) is { } complaint)
        {
            return Problems.BadRequest(complaint);
        }
        // As text the evidence keeps its exact bytes, whose digest is signed; an object is taken as it stands in the request.
        string? evidence = request.Evidence?.ValueKind switch
        {
            null or JsonValueKind.Null or JsonValueKind.Undefined => null,
            JsonValueKind.String => request.Evidence.Value.GetString(),
            _ => request.Evidence.Value.GetRawText(),
        };
        PublishResult result = await publisher.PublishAsync(
            new PublishAttempt(Encoding.UTF8.GetBytes(request.Envelope.GetRawText()), evidence, request.OverrideReason, OperatorAccess.Caller(http)), cancellationToken);
        return result switch
        {
            PublishResult.Published { Known: false } published =>
                TypedResults.Created($"/api/v1/artifacts/{published.Digest}", new PublishedDocument(published.Digest.ToString(), published.Model, published.Version, false, published.Warning)),
            PublishResult.Published known => TypedResults.Ok(new PublishedDocument(known.Digest.ToString(), known.Model, known.Version, true, known.Warning)),
            PublishResult.Incomplete incomplete => Problems.Conflict(incomplete.Reason),
            PublishResult.Refused refused => Problems.Unprocessable(refused.Reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static async Task<IResult> ListAsync(Database database, CancellationToken cancellationToken, string? model = null)
    {
        IReadOnlyList<ArtifactDocument> items = await database.ReadAsync<IReadOnlyList<ArtifactDocument>>(
            session => [.. ArtifactStore.List(session, model).Reverse().Select(row => Document(session, row, full: false))], cancellationToken);
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> ShowAsync(string digest, Database database, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(digest, out Digest parsed))
        {
            return NotADigest(digest);
        }
        ArtifactDocument? document = await database.ReadAsync(
            session => ArtifactStore.Find(session, parsed.ToString()) is { } row ? Document(session, row, full: true) : null, cancellationToken);
        return document is not null ? TypedResults.Ok(document) : Problems.NotFound($"artifact {parsed} is not published here");
    }

    private static async Task<IResult> ManifestAsync(string digest, Database database, CancellationToken cancellationToken)
    {
        if (!Digest.TryParse(digest, out Digest parsed))
        {
            return NotADigest(digest);
        }
        ArtifactRow? row = await database.ReadAsync(session => ArtifactStore.Find(session, parsed.ToString()), cancellationToken);
        return row is not null ? TypedResults.Bytes(row.Envelope, "application/json") : Problems.NotFound($"artifact {parsed} is not published here");
    }

    private static ArtifactDocument Document(ReadSession session, ArtifactRow row, bool full) => new()
    {
        Digest = row.Digest,
        Model = row.Model,
        Version = row.Version,
        Baseline = row.Baseline,
        SizeBytes = ArtifactManifest.FromBytes(Encoding.UTF8.GetBytes(row.Manifest)).TotalBytes,
        Verdict = EvidenceCheck.VerdictOf(row.Evidence),
        OverrideReason = row.OverrideReason,
        KeyId = row.KeyId,
        PublishedBy = row.PublishedBy,
        CreatedAt = Clock.FromMs(row.PublishedAt),
        Barred = AssignmentStore.FindBar(session, row.Model, row.Digest),
        Manifest = full ? Parse(row.Manifest) : null,
        Evidence = full && row.Evidence is not null ? Parse(row.Evidence) : null,
    };

    private static JsonElement? Parse(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Evidence that was overridden may be anything.
            return null;
        }
    }

    private static IResult NotADigest(string text) => Problems.BadRequest($"'{text}' is not a SHA-256 digest");
}

using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>Operators and the release keys that devices believe.</summary>
internal static class AdminEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/operators", ListAsync).Needs(Role.Admin).WithName("listOperators").WithSummary("Who may call this interface.").Produces<IReadOnlyList<OperatorDocument>>();
        api.MapPost("/operators", PutAsync).Needs(Role.Admin).WithName("putOperator")
            .WithSummary("Makes an operator, or gives one a new token, role and approval roles; the token is shown this once.").Produces<OperatorDocument>(201);
        api.MapDelete("/operators/{name}", RemoveAsync).Needs(Role.Admin).WithName("removeOperator").WithSummary("Takes an operator's access away.").Produces(204);
        api.MapGet("/release-keys", ListKeys).Needs(Role.Viewer).WithName("listReleaseKeys")
            .WithSummary("Ids of the public keys whose signature lets an artifact be published.").Produces<IReadOnlyList<ReleaseKeyDocument>>();
        api.MapPost("/release-keys", AddKeyAsync).Needs(Role.Admin).WithName("addReleaseKey").WithSummary("Adds a public release key (PEM); devices learn it when they enrol.").Produces<ReleaseKeyDocument>(201);
    }

    private static async Task<IResult> ListAsync(Database database, CancellationToken cancellationToken)
    {
        IReadOnlyList<OperatorRow> rows = await database.ReadAsync(OperatorStore.List, cancellationToken);
        IReadOnlyList<OperatorDocument> items = [.. rows.Select(row => new OperatorDocument(row.Name, row.Role, Clock.FromMs(row.CreatedAt), row.ApprovalRoles))];
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> PutAsync(OperatorRequest request, HttpContext http, OperatorAccess access, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Identifier.IsValid(request.Name))
        {
            return Problems.BadRequest($"name '{request.Name}': expected {Identifier.Rule}");
        }
        if (!Enum.TryParse(request.Role, ignoreCase: true, out Role role) || !Enum.IsDefined(role))
        {
            return Problems.BadRequest($"role '{request.Role}': expected viewer, operator, releaser or admin");
        }
        string[] approves = [.. (request.Approves ?? []).Distinct(StringComparer.Ordinal)];
        if (Array.Find(approves, name => !Identifier.IsValid(name)) is { } wrong)
        {
            return Problems.BadRequest($"approves '{wrong}': expected {Identifier.Rule}");
        }
        // Such a name says what its holder may do, and would say it of one who may not.
        if (Array.Find(approves, name => Enum.TryParse<Role>(name, ignoreCase: true, out _)) is { } ladder)
        {
            return Problems.BadRequest($"approves '{ladder}': that is a role of the ladder; give it as role, or choose another name");
        }
        string token = await access.PutAsync(request.Name, role, approves, OperatorAccess.Caller(http), cancellationToken);
        return TypedResults.Created((string?)null, new OperatorDocument(request.Name, role.ToString().ToLowerInvariant(), time.GetUtcNow(), approves, token));
    }

    private static async Task<IResult> RemoveAsync(string name, HttpContext http, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        string caller = OperatorAccess.Caller(http);
        if (name == caller)
        {
            return Problems.Conflict($"operator '{name}' cannot remove itself");
        }
        bool removed = await database.WriteAsync(
            $"remove operator {name}",
            transaction =>
            {
                bool known = OperatorStore.Remove(transaction, name);
                if (known)
                {
                    AuditStore.Append(transaction, time.NowMs(), caller, "operator.removed", name, "");
                }
                return known;
            },
            cancellationToken);
        return removed ? TypedResults.NoContent() : Problems.NotFound($"operator '{name}' is not known");
    }

    private static Microsoft.AspNetCore.Http.HttpResults.Ok<IReadOnlyList<ReleaseKeyDocument>> ListKeys(ReleaseKeys keys)
    {
        IReadOnlyList<ReleaseKeyDocument> items = [.. keys.Current.Ring.KeyIds.Order(StringComparer.Ordinal).Select(id => new ReleaseKeyDocument(id))];
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> AddKeyAsync(
        ReleaseKeyRequest request, HttpContext http, ReleaseKeys keys, Database database, TimeProvider time, CancellationToken cancellationToken)
    {
        string id;
        try
        {
            id = ReleaseKeys.IdOf(request.PublicKeyPem);
        }
        catch (FormatException ex)
        {
            return Problems.BadRequest(ex.Message);
        }
        string caller = OperatorAccess.Caller(http);
        await database.WriteAsync("audit release key", transaction => AuditStore.Append(transaction, time.NowMs(), caller, "release-key.added", id, ""), cancellationToken);
        // In the log before anybody believes it: a failure in between leaves an entry too many, never a key that nobody added.
        keys.Add(request.PublicKeyPem);
        return TypedResults.Created((string?)null, new ReleaseKeyDocument(id));
    }
}

using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using EdgeFleet.Controller.Store;
using EdgeFleet.Linux.Files;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Api;

/// <summary>Who calls the operator plane, and whether the role suffices. Tokens are random and only their hash is stored.</summary>
internal sealed partial class OperatorAccess(Database database, TimeProvider time, ILogger<OperatorAccess> log)
{
    private const string AdminName = "admin";
    private const string Prefix = "efo1.";
    private static readonly object s_callerKey = new();

    /// <summary>
    /// Makes the first administrator where there is none; the token is written to a file that only this user can read. An
    /// administrator who is there stays as he is: a token that was replaced does not come back with a restart.
    /// </summary>
    public async Task EnsureAdminAsync(string tokenFile, CancellationToken cancellationToken)
    {
        string? written = File.Exists(tokenFile) ? (await File.ReadAllTextAsync(tokenFile, cancellationToken)).Trim() : null;
        IReadOnlyList<OperatorRow> known = await database.ReadAsync(OperatorStore.List, cancellationToken);
        if (known.Any(row => row.Role == Word(Role.Admin)))
        {
            if (written is not null && known.All(row => row.TokenSha256 != Hash(written)))
            {
                LogReplaced(tokenFile);
            }
            return;
        }
        string token = written is { Length: > 0 } ? written : NewToken();
        if (token != written)
        {
            DurableFile.Write(tokenFile, Encoding.ASCII.GetBytes(token + "\n"), DurableFile.PrivateMode);
        }
        await database.WriteAsync(
            "admin token",
            transaction =>
            {
                OperatorStore.Put(transaction, Row(AdminName, Role.Admin, token));
                AuditStore.Append(transaction, time.NowMs(), "controller", "operator.put", AdminName, "admin, the first: its token is in operator.token");
            },
            cancellationToken);
    }

    /// <summary>Makes or replaces an operator and returns the token; it is shown this once.</summary>
    public async Task<string> PutAsync(string name, Role role, IReadOnlyList<string> approves, string actor, CancellationToken cancellationToken)
    {
        string token = NewToken();
        await database.WriteAsync(
            $"operator {name}",
            transaction =>
            {
                OperatorStore.Put(transaction, Row(name, role, token) with { Approves = string.Join(' ', approves) });
                AuditStore.Append(transaction, time.NowMs(), actor, "operator.put", name, Word(role) + (approves.Count > 0 ? $", approves as {string.Join(", ", approves)}" : ""));
            },
            cancellationToken);
        return token;
    }

    /// <summary>
    /// Middleware: lets a request to the operator plane pass or answers it, before anything of it is read. What a stranger sends
    /// is neither parsed nor complained about.
    /// </summary>
    public async Task CheckAsync(HttpContext http, RequestDelegate next)
    {
        if (http.GetEndpoint()?.Metadata.GetMetadata<OperatorsOnly>() is null)
        {
            await next(http);
        }
        else if (await RefuseAsync(http) is { } answer)
        {
            await answer.ExecuteAsync(http);
        }
        else
        {
            await next(http);
        }
    }

    /// <summary>Null where the request may pass.</summary>
    private async Task<IResult?> RefuseAsync(HttpContext http)
    {
        Role needed = http.GetEndpoint()?.Metadata.GetMetadata<RequiredRole>()?.Role ?? Role.Admin;
        string header = http.Request.Headers.Authorization.ToString();
        if (!header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
            return Problems.Unauthorized("a bearer token is needed; the first one is in operator.token in the controller's data folder");
        }
        string hash = Hash(header["Bearer ".Length..].Trim());
        OperatorRow? row = await database.ReadAsync(session => OperatorStore.FindByToken(session, hash), http.RequestAborted);
        if (row is null)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer error=\"invalid_token\"";
            return Problems.Unauthorized("the bearer token is not known here");
        }
        Role role = Enum.Parse<Role>(row.Role, ignoreCase: true);
        if (role < needed)
        {
            return Problems.Forbidden($"operator '{row.Name}' is {Word(role)}; this needs {Word(needed)}");
        }
        http.Items[s_callerKey] = row;
        return null;
    }

    /// <summary>The name of the operator who made the request.</summary>
    public static string Caller(HttpContext http) => ((OperatorRow)http.Items[s_callerKey]!).Name;

    /// <summary>The roles that the caller may approve in: the own one with those below it, and those that an administrator gave by name.</summary>
    public static IReadOnlyList<string> RolesOfCaller(HttpContext http)
    {
        OperatorRow row = (OperatorRow)http.Items[s_callerKey]!;
        Role own = Enum.Parse<Role>(row.Role, ignoreCase: true);
        return [.. Enum.GetValues<Role>().Where(role => role <= own).Select(Word), .. row.ApprovalRoles];
    }

    private static string Word(Role role) => role.ToString().ToLowerInvariant();

    private static string NewToken() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private static string Hash(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    [LoggerMessage(EventId = 2042, Level = LogLevel.Information, Message = "{File} holds a token that is no administrator's any more; it lets nobody in and may be removed")]
    private partial void LogReplaced(string file);

    private OperatorRow Row(string name, Role role, string token) => new() { Name = name, Role = Word(role), TokenSha256 = Hash(token), CreatedAt = time.NowMs() };
}

/// <summary>Endpoint metadata: behind a bearer token.</summary>
internal sealed record OperatorsOnly;

/// <summary>Endpoint metadata.</summary>
internal sealed record RequiredRole(Role Role);

internal static class RoleEndpointExtensions
{
    /// <summary>Every endpoint names the role that it needs; one that names none is for admins.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder builder, Role role)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RequiredRole(role));
}

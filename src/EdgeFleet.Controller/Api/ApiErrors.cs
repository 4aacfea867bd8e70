using System.Text.Json;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;

namespace EdgeFleet.Controller.Api;

/// <summary>What was thrown on the way becomes a problem document; what nobody expected is logged by the server and says nothing.</summary>
internal sealed class ApiErrors(IProblemDetailsService problems) : IExceptionHandler
{
    /// <summary>Gives a sentence to what the server refuses before anybody here sees it.</summary>
    public static void Configure(ProblemDetailsOptions options) => options.CustomizeProblemDetails = context =>
    {
        if (context.ProblemDetails is { Status: StatusCodes.Status413PayloadTooLarge, Detail: null })
        {
            context.ProblemDetails.Detail = $"the request has more than {Listeners.MaximumRequestBytes} bytes; files go to PUT /api/v1/content/{{sha256}}";
        }
    };

    /// <summary>In the words of the interface: the server's own name types and parameters of the code.</summary>
    private static string Sentence(BadHttpRequestException bad) => bad.InnerException switch
    {
        JsonException { Path: { } path, LineNumber: { } line, BytePositionInLine: { } position } json when json.Message.Contains("could not be mapped", StringComparison.Ordinal) =>
            $"the body has a member at '{path}' (line {line + 1}, byte {position + 1}) that is not known here",
        JsonException { Path: { } path, LineNumber: { } line, BytePositionInLine: { } position } json when json.Message.Contains("could not be converted", StringComparison.Ordinal) =>
            $"the body has a value of another type than is asked for at '{path}' (line {line + 1}, byte {position + 1})",
        JsonException json => $"the body is not the JSON document that is asked for: {json.Message}",
        { } inner => $"{bad.Message}: {inner.Message}",
        null when bad.Message.StartsWith("Implicit body inferred", StringComparison.Ordinal) || bad.Message.EndsWith("from body.", StringComparison.Ordinal) =>
            "the request needs a JSON body",
        null => bad.Message,
    };

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        (int status, string detail) = exception switch
        {
            BadHttpRequestException bad => (bad.StatusCode, Sentence(bad)),
            StoreUnavailableException unavailable => (StatusCodes.Status503ServiceUnavailable, unavailable.Message),
            StaleEpochException stale => (StatusCodes.Status503ServiceUnavailable, stale.Message),
            _ => (0, ""),
        };
        if (status == 0)
        {
            return false;
        }
        httpContext.Response.StatusCode = status;
        return await problems.TryWriteAsync(new ProblemDetailsContext
        {
            HttpContext = httpContext,
            ProblemDetails = new ProblemDetails { Status = status, Detail = detail },
        });
    }
}

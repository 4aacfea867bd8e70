using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Agent.Serving.OpenInference;

/// <summary>A request that is answered with an error: the status, and a sentence that names the thing and the value.</summary>
internal sealed class RequestException(int status, string message) : Exception(message)
{
    public int Status { get; } = status;

    /// <summary>Seconds after which the caller may try again, where that helps.</summary>
    public int? RetryAfterSeconds { get; init; }

    public static RequestException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);

    public static RequestException NotFound(string message) => new(StatusCodes.Status404NotFound, message);
}

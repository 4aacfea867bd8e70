using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Controller.Api;

/// <summary>Errors as RFC 9457 documents whose detail is one sentence that names the thing and the value.</summary>
internal static class Problems
{
    public static IResult BadRequest(string detail) => Of(StatusCodes.Status400BadRequest, detail);

    public static IResult Unauthorized(string detail) => Of(StatusCodes.Status401Unauthorized, detail);

    public static IResult Forbidden(string detail) => Of(StatusCodes.Status403Forbidden, detail);

    public static IResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, detail);

    /// <summary>It cannot be done now: something else stands in the way.</summary>
    public static IResult Conflict(string detail) => Of(StatusCodes.Status409Conflict, detail);

    /// <summary>It was understood and may not be done.</summary>
    public static IResult Unprocessable(string detail) => Of(StatusCodes.Status422UnprocessableEntity, detail);

    public static IResult TooLarge(string detail) => Of(StatusCodes.Status413PayloadTooLarge, detail);

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult Of(int status, string detail) => TypedResults.Problem(detail: detail, statusCode: status);
}

using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>What the headers and trailers of a response say.</summary>
internal static class ResponseHead
{
    public static Metadata ReadHeaders(HttpResponseMessage response)
    {
        Metadata headers = [];
        Read(response.Headers.NonValidated, headers);
        Read(response.Content.Headers.NonValidated, headers);
        return headers;
    }

    /// <summary>The status of a response that is over with its headers; null where messages and trailers follow.</summary>
    public static Status? ReadStatusInHeaders(HttpResponseMessage response)
    {
        if (ReadStatus(response.Headers.NonValidated) is { } status)
        {
            return status;
        }

        string? contentType = response.Content.Headers.NonValidated.TryGetValues("content-type", out HeaderStringValues values) ? values.ToString() : null;
        if (response.StatusCode == HttpStatusCode.OK && GrpcHeaders.IsGrpcContentType(contentType))
        {
            return null;
        }

        StatusCode code = response.StatusCode == HttpStatusCode.OK ? StatusCode.Unknown : StatusMapping.FromHttp(response.StatusCode);
        return new Status(code, $"The answer is not gRPC: HTTP status {(int)response.StatusCode}, content type '{contentType}'.");
    }

    /// <summary>Status and trailers; complete only once the body has been read to its end.</summary>
    public static (Status Status, Metadata Trailers) ReadTrailers(HttpResponseMessage response)
    {
        Metadata trailers = [];
        Read(response.TrailingHeaders.NonValidated, trailers);
        Status status = ReadStatus(response.TrailingHeaders.NonValidated)
            ?? new Status(StatusCode.Unknown, "The response ended without a grpc-status.");
        return (status, trailers);
    }

    private static Status? ReadStatus(HttpHeadersNonValidated headers)
    {
        if (!headers.TryGetValues(GrpcHeaders.Status, out HeaderStringValues status))
        {
            return null;
        }

        string message = headers.TryGetValues(GrpcHeaders.Message, out HeaderStringValues values) ? values.ToString() : "";
        return new Status(StatusMapping.FromHeader(status.ToString()), StatusMessage.Decode(message));
    }

    private static void Read(HttpHeadersNonValidated headers, Metadata into)
    {
        foreach ((string name, HeaderStringValues values) in headers)
        {
            foreach (string value in values)
            {
                MetadataHeaders.Decode(name, value, into);
            }
        }
    }
}

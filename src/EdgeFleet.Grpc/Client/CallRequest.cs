using System.Net;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>The HTTP/2 request of a call, without its body.</summary>
internal static class CallRequest
{
    private static readonly string s_userAgent = $"grpc-csharp-edgefleet/{typeof(CallRequest).Assembly.GetName().Version?.ToString(3)}";

    /// <summary>Throws where a header cannot travel: that is the caller's mistake, not a failed call.</summary>
    public static HttpRequestMessage Create(Uri address, string methodPath, string? host, Metadata? headers, TimeSpan? timeout, HttpContent content)
    {
        HttpRequestMessage request = new(HttpMethod.Post, new Uri(address, methodPath))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.TryAddWithoutValidation("content-type", GrpcHeaders.ContentType);
        request.Headers.TryAddWithoutValidation("te", "trailers");
        request.Headers.TryAddWithoutValidation("user-agent", s_userAgent);
        request.Headers.TryAddWithoutValidation(GrpcHeaders.AcceptEncoding, GrpcHeaders.Identity);
        request.Headers.Host = host;
        if (timeout is { } left)
        {
            request.Headers.TryAddWithoutValidation(GrpcHeaders.Timeout, TimeoutHeader.Encode(left));
        }

        foreach (Metadata.Entry entry in headers ?? Metadata.Empty)
        {
            // A key that occurs twice leaves HttpClient as one field with a comma. That is legal, and servers on Kestrel
            // and Node split it; those on grpc's C core do not: text stays joined there, and a binary key ends the call.
            string value = MetadataHeaders.Encode(entry);

            // HttpClient keeps names such as 'expires' for the body's headers; on the wire there is no difference.
            if (!request.Headers.TryAddWithoutValidation(entry.Key, value) && !content.Headers.TryAddWithoutValidation(entry.Key, value))
            {
                throw new ArgumentException($"Metadata key '{entry.Key}' cannot be sent.", nameof(headers));
            }
        }

        return request;
    }
}

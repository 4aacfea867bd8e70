using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Core.Wire;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server;

/// <summary>
/// The response of one call: headers, messages, then one status. The deadline may end it while the service is still
/// writing, so each step first takes the response.
/// </summary>
internal sealed class ServerResponse(HttpContext http, CallLifetime lifetime, int? maxSendBytes)
{
    private readonly Lock _gate = new();
    private bool _writing;
    private bool _ended;
    private bool _headersSent;

    // Response.HasStarted stays false while a message waits unflushed, so it cannot tell whether the status may still
    // go into the headers.
    private bool _messageWritten;

    public async Task WriteHeadersAsync(Metadata headers, CancellationToken cancellationToken)
    {
        Take();
        try
        {
            if (_headersSent || _messageWritten)
            {
                throw new InvalidOperationException("The response headers have been sent already.");
            }

            List<KeyValuePair<string, string>> encoded = [.. headers.Select(entry => KeyValuePair.Create(entry.Key, MetadataHeaders.Encode(entry)))];
            foreach ((string name, string value) in encoded)
            {
                Append(http.Response.Headers, name, value);
            }

            _headersSent = true;
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Release();
        }
    }

    public async Task WriteAsync<T>(Marshaller<T> marshaller, T message, bool flush, CancellationToken cancellationToken)
    {
        Take();
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            FrameSerializationContext frame = new(http.Response.BodyWriter, maxSendBytes);
            try
            {
                FrameSerializationContext.Serialize(frame, marshaller, message);
            }
            catch when (frame.LeftHalfAMessage)
            {
                Reset(StatusMapping.InternalError);
                throw;
            }

            _messageWritten = true;
            if (flush)
            {
                await FlushAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Ends the call unless it has been ended. A write that is still under way leaves only a reset.</summary>
    public void End(Status status, Metadata trailers)
    {
        bool writing;
        lock (_gate)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
            writing = _writing;
        }

        if (lifetime.CallerIsGone)
        {
            return;
        }

        if (writing)
        {
            Reset(StatusMapping.Cancel);
            return;
        }

        List<KeyValuePair<string, string>> fields = Encode(status, trailers);
        IHeaderDictionary destination = _messageWritten || http.Response.HasStarted
            ? http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers
            : http.Response.Headers;
        foreach ((string name, string value) in fields)
        {
            Append(destination, name, value);
        }
    }

    public void Reset(int http2ErrorCode) => http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(http2ErrorCode);

    private static List<KeyValuePair<string, string>> Encode(Status status, Metadata trailers)
    {
        List<KeyValuePair<string, string>> fields = [];
        try
        {
            foreach (Metadata.Entry entry in trailers)
            {
                fields.Add(new(entry.Key, MetadataHeaders.Encode(entry)));
            }
        }
        catch (ArgumentException ex)
        {
            // The service's mistake must not cost the caller its status.
            fields.Clear();
            status = new Status(StatusCode.Internal, $"The trailers cannot be sent: {ex.Message}");
        }

        fields.Add(new(GrpcHeaders.Status, StatusMapping.ToHeader(status.StatusCode)));
        if (status.Detail.Length > 0)
        {
            fields.Add(new(GrpcHeaders.Message, StatusMessage.Encode(status.Detail)));
        }

        return fields;
    }

    private static void Append(IHeaderDictionary headers, string name, string value) =>
        headers[name] = Microsoft.Extensions.Primitives.StringValues.Concat(headers[name], value);

    /// <summary>
    /// A flush waits while the reader is slow. It ends when the stream does; a cancelled token therefore resets the
    /// stream, for what was written cannot be taken back.
    /// </summary>
    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static state => ((ServerResponse)state!).ResetIfWriting(), this);
        FlushResult flushed = await http.Response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        if (flushed.IsCompleted)
        {
            throw lifetime.StreamBroke(null);
        }
    }

    private void ResetIfWriting()
    {
        lock (_gate)
        {
            if (!_writing || _ended)
            {
                return;
            }

            _ended = true;
        }

        Reset(StatusMapping.Cancel);
    }

    private void Take()
    {
        lock (_gate)
        {
            if (_writing)
            {
                throw new InvalidOperationException("The previous write to this response has not ended; one write at a time.");
            }

            if (_ended)
            {
                lifetime.Token.ThrowIfCancellationRequested();
                throw new InvalidOperationException("The call has ended; nothing more can be written.");
            }

            _writing = true;
        }
    }

    private void Release()
    {
        lock (_gate)
        {
            _writing = false;
        }
    }
}

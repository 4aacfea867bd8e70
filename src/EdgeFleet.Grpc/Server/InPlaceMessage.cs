using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.AspNetCore.Server;

/// <summary>The one message of a call, left in the server's own memory until it is given back.</summary>
internal sealed class InPlaceMessage(HttpServerCallContext context, CallLifetime lifetime, int? maxReceiveBytes) : IDisposable
{
    private readonly PipeReader _body = context.HttpContext.Request.BodyReader;
    private SequencePosition? _end;

    /// <summary>The payload, valid until this is disposed.</summary>
    public async Task<ReadOnlySequence<byte>> ReadAsync()
    {
        while (true)
        {
            ReadResult read = await lifetime.ReadAsync(_body, lifetime.Token).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            long expected = buffer.Length < MessageFrame.HeaderBytes
                ? long.MaxValue
                : MessageFrame.HeaderBytes + (long)MessageFrame.ReadHeader(buffer, maxReceiveBytes);
            if (buffer.Length > expected)
            {
                throw new RpcException(new Status(StatusCode.Internal, $"'{context.Method}' takes one message, the request held more."));
            }

            if (read.IsCompleted)
            {
                _end = buffer.End;
                return buffer.Length == expected
                    ? buffer.Slice(MessageFrame.HeaderBytes)
                    : throw new RpcException(new Status(StatusCode.Internal, buffer.IsEmpty
                        ? $"'{context.Method}' takes one message, the request held none."
                        : $"The request ended inside a message, {buffer.Length} bytes after its start."));
            }

            // Examined to the end: that is what lets Kestrel give the sender more window.
            _body.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public void Dispose()
    {
        if (_end is { } end)
        {
            _end = null;
            _body.AdvanceTo(end);
        }
    }
}

using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.AspNetCore.Server;

/// <summary>The request stream as the service reads it.</summary>
internal sealed class ServerStreamReader<T>(HttpServerCallContext context, CallLifetime lifetime, Marshaller<T> marshaller, int? maxReceiveBytes) : IAsyncStreamReader<T>
{
    private readonly PayloadDeserializationContext _payload = new();
    private int _reading;
    private bool _atEnd;
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message: call MoveNext, and read while it gives true.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("The previous read of this stream has not ended; one read at a time.");
        }

        try
        {
            return !_atEnd && await ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>The request of a call that has exactly one.</summary>
    public async Task<T> ReadOnlyMessageAsync()
    {
        if (!await MoveNext(CancellationToken.None).ConfigureAwait(false))
        {
            throw new RpcException(new Status(StatusCode.Internal, $"'{context.Method}' takes one message, the request held none."));
        }

        T message = Current;
        return await MoveNext(CancellationToken.None).ConfigureAwait(false)
            ? throw new RpcException(new Status(StatusCode.Internal, $"'{context.Method}' takes one message, the request held more."))
            : message;
    }

    private async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        _current = default;
        PipeReader body = context.HttpContext.Request.BodyReader;
        using CancellationTokenSource? linked = cancellationToken.CanBeCanceled && cancellationToken != lifetime.Token
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.Token)
            : null;
        CancellationToken token = linked?.Token ?? lifetime.Token;
        while (true)
        {
            ReadResult read = await lifetime.ReadAsync(body, token).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = read.Buffer;
            if (TryTake(buffer, out SequencePosition consumed))
            {
                body.AdvanceTo(consumed);
                return true;
            }

            if (read.IsCompleted)
            {
                body.AdvanceTo(buffer.End);
                _atEnd = true;
                return buffer.IsEmpty
                    ? false
                    : throw new RpcException(new Status(StatusCode.Internal, $"The request ended inside a message, {buffer.Length} bytes after its start."));
            }

            // Examined to the end: that is what lets Kestrel give the sender more window.
            body.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private bool TryTake(in ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        consumed = buffer.Start;
        if (buffer.Length < MessageFrame.HeaderBytes)
        {
            return false;
        }

        int length = MessageFrame.ReadHeader(buffer, maxReceiveBytes);
        if (buffer.Length < MessageFrame.HeaderBytes + length)
        {
            return false;
        }

        ReadOnlySequence<byte> payload = buffer.Slice(MessageFrame.HeaderBytes, length);
        _current = _payload.Read(marshaller, payload);
        consumed = payload.End;
        return true;
    }
}

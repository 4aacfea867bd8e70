using System.Buffers;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>
/// Cuts a response body into messages within one pooled buffer. One user at a time enters; the buffer goes back to the
/// pool when the last user has left after the end, never under a read that is still running.
/// </summary>
internal sealed class ResponseFrames(Stream body, int? maxPayloadBytes)
{
    private const int SmallestBufferBytes = 32 * 1024;
    private const int LargestReadAheadBytes = 256 * 1024;

    private readonly Lock _gate = new();
    private byte[] _buffer = [];
    private int _bufferBytes = SmallestBufferBytes;
    private int _start;
    private int _end;
    private bool _inUse;
    private bool _closed;

    /// <summary>Bytes of a message whose rest has not come.</summary>
    public int UnfinishedBytes => _end - _start;

    internal bool HoldsBuffer => _buffer.Length > 0;

    /// <summary>False when the call has ended.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return false;
            }

            _inUse = _inUse ? throw new InvalidOperationException("The response is being read already.") : true;
            return true;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _inUse = false;
            if (_closed)
            {
                ReturnBuffer();
            }
        }
    }

    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
            if (!_inUse)
            {
                ReturnBuffer();
            }
        }
    }

    /// <summary>Whether <see cref="TryTake"/> would give a message, or throw.</summary>
    public bool HasMessage()
    {
        if (UnfinishedBytes < MessageFrame.HeaderBytes)
        {
            return false;
        }

        ReadOnlySpan<byte> held = _buffer.AsSpan(_start, UnfinishedBytes);
        return held[0] != 0 || (ulong)held.Length >= MessageFrame.HeaderBytes + (ulong)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(held[1..]);
    }

    /// <summary>The next message as far as it has come; it stays valid until the next call here.</summary>
    public bool TryTake(out ReadOnlySequence<byte> payload)
    {
        payload = default;
        if (UnfinishedBytes < MessageFrame.HeaderBytes)
        {
            return false;
        }

        int length = MessageFrame.ReadHeader(_buffer.AsSpan(_start, MessageFrame.HeaderBytes), maxPayloadBytes);
        if (UnfinishedBytes - MessageFrame.HeaderBytes < length)
        {
            MakeRoom(length);
            return false;
        }

        payload = new ReadOnlySequence<byte>(_buffer, _start + MessageFrame.HeaderBytes, length);
        _start += MessageFrame.HeaderBytes + length;
        return true;
    }

    /// <summary>Reads more; false at the end of the body.</summary>
    public async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            // Streams stay silent for hours: an empty read waits for bytes without holding a buffer for them.
            ReturnBuffer();
            await body.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        }

        if (_buffer.Length == 0)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(_bufferBytes);
        }
        else if (_end == _buffer.Length)
        {
            MakeRoom(0);
        }

        int read = await body.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
        _end += read;
        return read > 0;
    }

    /// <summary>Room for the whole message at the start of the buffer, and then for some that follow.</summary>
    private void MakeRoom(int payloadBytes)
    {
        long frame = (long)MessageFrame.HeaderBytes + payloadBytes;
        if (_start + frame <= _buffer.Length && _end < _buffer.Length)
        {
            return;
        }

        int held = UnfinishedBytes;
        if (frame > _buffer.Length)
        {
            _bufferBytes = (int)Math.Min(Math.Max(frame, Math.Min(frame * 4, LargestReadAheadBytes)), Array.MaxLength);
            byte[] larger = ArrayPool<byte>.Shared.Rent(_bufferBytes);
            _buffer.AsSpan(_start, held).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
        else
        {
            _buffer.AsSpan(_start, held).CopyTo(_buffer);
        }

        _start = 0;
        _end = held;
    }

    private void ReturnBuffer()
    {
        byte[] buffer = _buffer;
        _buffer = [];
        _start = 0;
        _end = 0;
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

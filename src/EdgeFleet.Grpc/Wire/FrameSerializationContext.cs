using System.Buffers;

namespace Grpc.Core.Wire;

/// <summary>
/// Writes one message after its frame header. Where the marshaller gives the length first (generated code does), the
/// bytes go straight to <paramref name="output"/>; otherwise they are collected until the length is known.
/// </summary>
internal sealed class FrameSerializationContext(IBufferWriter<byte> output, int? maxPayloadBytes) : SerializationContext
{
    private int? _payloadLength;
    private ArrayBufferWriter<byte>? _collected;
    private CountingWriter? _direct;
    private bool _completed;

    /// <summary>The header is out but not the whole payload: the stream cannot be used any more.</summary>
    public bool LeftHalfAMessage => _direct is not null && !_completed;

    public static void Serialize<T>(FrameSerializationContext context, Marshaller<T> marshaller, T message)
    {
        marshaller.ContextualSerializer(message, context);
        if (!context._completed)
        {
            throw new InvalidOperationException($"The marshaller of {typeof(T)} returned without completing the message.");
        }
    }

    public override void SetPayloadLength(int payloadLength)
    {
        if (_direct is not null || _collected is not null)
        {
            throw new InvalidOperationException("The payload length has to be set before the payload is written.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        _payloadLength = payloadLength;
    }

    public override IBufferWriter<byte> GetBufferWriter()
    {
        ThrowIfCompleted();
        if (_payloadLength is not { } length)
        {
            return _collected ??= new ArrayBufferWriter<byte>();
        }

        if (_direct is null)
        {
            MessageFrame.CheckSendSize(length, maxPayloadBytes);
            WriteHeader(length);
            _direct = new CountingWriter(output, length);
        }

        return _direct;
    }

    public override void Complete()
    {
        ThrowIfCompleted();
        if (_direct is not null)
        {
            if (_direct.Remaining != 0)
            {
                throw new InvalidOperationException($"The marshaller announced {_payloadLength} bytes and wrote {_payloadLength - _direct.Remaining}.");
            }
        }
        else if (_collected is not null)
        {
            WritePayload(_collected.WrittenSpan);
        }
        else
        {
            WritePayload([]);
        }

        _completed = true;
    }

    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ThrowIfCompleted();
        if (_direct is not null || _collected is not null)
        {
            throw new InvalidOperationException("The payload was already written to the buffer writer.");
        }

        WritePayload(payload);
        _completed = true;
    }

    private void WritePayload(ReadOnlySpan<byte> payload)
    {
        MessageFrame.CheckSendSize(payload.Length, maxPayloadBytes);
        WriteHeader(payload.Length);
        output.Write(payload);
    }

    private void WriteHeader(int payloadBytes)
    {
        MessageFrame.WriteHeader(output.GetSpan(MessageFrame.HeaderBytes), payloadBytes);
        output.Advance(MessageFrame.HeaderBytes);
    }

    private void ThrowIfCompleted()
    {
        if (_completed)
        {
            throw new InvalidOperationException("The message is already complete.");
        }
    }

    /// <summary>A longer payload than announced would be read as the next frame's header, so it is stopped here.</summary>
    private sealed class CountingWriter(IBufferWriter<byte> inner, int length) : IBufferWriter<byte>
    {
        private int _written;

        public int Remaining => length - _written;

        public void Advance(int count)
        {
            if (count > Remaining)
            {
                throw new InvalidOperationException($"The marshaller wrote more than the {length} bytes that it announced.");
            }

            inner.Advance(count);
            _written += count;
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

        public Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);
    }
}

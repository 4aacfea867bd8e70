using System.Buffers;

namespace Grpc.Core.Wire;

/// <summary>One received payload, where it lies.</summary>
internal sealed class PayloadDeserializationContext : DeserializationContext
{
    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => checked((int)_payload.Length);

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <summary>A payload that the marshaller cannot read is an Internal error that says why.</summary>
    public T Read<T>(Marshaller<T> marshaller, in ReadOnlySequence<byte> payload)
    {
        _payload = payload;
        try
        {
            return marshaller.ContextualDeserializer(this);
        }
        catch (Exception ex) when (ex is not RpcException)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"The message of {payload.Length} bytes is not a {typeof(T).Name}: {ex.Message}", ex));
        }
        finally
        {
            _payload = default;
        }
    }
}

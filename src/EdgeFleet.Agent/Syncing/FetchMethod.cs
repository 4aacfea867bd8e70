using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Syncing;

/// <summary>
/// Artifacts.Fetch with chunks that are slices of one buffer: the generated message would copy each chunk once more into an
/// array of its own, which costs as much as hashing it.
/// </summary>
internal static class FetchMethod
{
    private const int MaximumChunk = 4 << 20;

    public static Method<Wire.FetchRequest, FetchedChunk> Instance { get; } = new(
        MethodType.ServerStreaming,
        Wire.Artifacts.Descriptor.FullName,
        Wire.Artifacts.Descriptor.FindMethodByName("Fetch").Name,
        Marshallers.Create(
            static (Wire.FetchRequest request, SerializationContext context) =>
            {
                context.SetPayloadLength(request.CalculateSize());
                request.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            static context => Wire.FetchRequest.Parser.ParseFrom(context.PayloadAsReadOnlySequence())),
        Marshallers.Create(
            static (FetchedChunk _, SerializationContext _) => throw new NotSupportedException("A device sends no chunks."),
            static context => new FetchedChunk(Slice(context.PayloadAsReadOnlySequence()))));

    /// <summary>The data field of a FetchChunk. Where the message lies in one piece, the chunk is a part of it.</summary>
    internal static ReadOnlyMemory<byte> Slice(ReadOnlySequence<byte> message)
    {
        ReadOnlyMemory<byte> whole = message.IsSingleSegment ? message.First : message.ToArray();
        CodedPosition position = new(whole.Span);
        ReadOnlyMemory<byte> data = default;
        while (position.At < whole.Length)
        {
            uint tag = position.Varint();
            if (tag == WireFormat.MakeTag(Wire.FetchChunk.DataFieldNumber, WireFormat.WireType.LengthDelimited))
            {
                int length = position.Length(MaximumChunk);
                data = whole.Slice(position.At, length);
                position.At += length;
            }
            else
            {
                // A field of a newer controller: the generated parser knows how to step over it.
                return Wire.FetchChunk.Parser.ParseFrom(message).Data.Memory;
            }
        }
        return data;
    }

    private ref struct CodedPosition(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public int At { get; set; }

        public int Length(int maximum)
        {
            uint length = Varint();
            return length <= maximum && length <= _bytes.Length - At
                ? (int)length
                : throw new RpcException(new Status(StatusCode.Internal, $"a chunk of {length} bytes does not fit its message"));
        }

        public uint Varint()
        {
            uint value = 0;
            for (int shift = 0; shift < 35 && At < _bytes.Length; shift += 7)
            {
                byte b = _bytes[At++];
                value |= (uint)(b & 0x7F) << shift;
                if (b < 0x80)
                {
                    return value;
                }
            }
            throw new RpcException(new Status(StatusCode.Internal, "a chunk's message is cut off"));
        }
    }
}

/// <summary>A piece of a file where it lies in the receive buffer: valid until the next message is asked for.</summary>
internal sealed record FetchedChunk(ReadOnlyMemory<byte> Data);

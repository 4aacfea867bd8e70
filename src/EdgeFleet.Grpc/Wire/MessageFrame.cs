using System.Buffers;
using System.Buffers.Binary;

namespace Grpc.Core.Wire;

/// <summary>The five bytes before each message: a compression flag and a big-endian length.</summary>
internal static class MessageFrame
{
    public const int HeaderBytes = 5;

    /// <summary>What both ends take and send at most unless told otherwise.</summary>
    public const int DefaultMaxMessageBytes = 4 * 1024 * 1024;

    public static void WriteHeader(Span<byte> header, int payloadBytes)
    {
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], payloadBytes);
    }

    /// <summary>The payload's length, once compression and the cap have been checked.</summary>
    public static int ReadHeader(ReadOnlySpan<byte> header, int? maxPayloadBytes)
    {
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        return header[0] switch
        {
            1 => throw new RpcException(new Status(StatusCode.Unimplemented, "The message is compressed; only 'identity' is supported here.")),
            > 1 => throw new RpcException(new Status(StatusCode.Internal, $"The compression flag of the message is {header[0]}, expected 0 or 1.")),
            _ when length > (maxPayloadBytes ?? int.MaxValue) => throw new RpcException(new Status(
                StatusCode.ResourceExhausted, $"Received message of {length} bytes exceeds the maximum of {maxPayloadBytes ?? int.MaxValue}.")),
            _ => (int)length,
        };
    }

    public static int ReadHeader(in ReadOnlySequence<byte> buffer, int? maxPayloadBytes)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        return ReadHeader(header, maxPayloadBytes);
    }

    public static void CheckSendSize(int payloadBytes, int? maxPayloadBytes)
    {
        if (payloadBytes > (maxPayloadBytes ?? int.MaxValue))
        {
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted, $"Message of {payloadBytes} bytes exceeds the maximum to send of {maxPayloadBytes}."));
        }
    }
}

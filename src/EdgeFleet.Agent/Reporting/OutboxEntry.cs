using System.Buffers.Binary;
using System.Text;
using EdgeFleet.Agent.State;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>One report as it is kept: its body without the header, which boot and sequence number complete when it is sent.</summary>
internal sealed record OutboxEntry(long Seq, DateTimeOffset Time, ReportClass Class, bool Retain, string Topic, string ContentType, ReadOnlyMemory<byte> Body)
{
    private const int FixedBytes = 8 + 8 + 1 + 1 + 2 + 2;
    private const int FrameBytes = 8;
    /// <summary>Far above any report of ours; a length beyond it is damage.</summary>
    public const int MaximumBytes = 4 << 20;

    /// <summary>What an entry with so large a body takes on disk.</summary>
    public static int SizeOnDisk(string topic, string contentType, int bodyBytes) =>
        FrameBytes + FixedBytes + Encoding.UTF8.GetByteCount(topic) + Encoding.UTF8.GetByteCount(contentType) + bodyBytes;

    /// <summary>u32 length, u32 CRC-32C, then i64 seq, i64 Unix ms, u8 class, u8 retain, u16 topic length, u16 type length, topic, type, body.</summary>
    public byte[] Encode()
    {
        int topicBytes = Encoding.UTF8.GetByteCount(Topic);
        int typeBytes = Encoding.UTF8.GetByteCount(ContentType);
        byte[] frame = new byte[FrameBytes + FixedBytes + topicBytes + typeBytes + Body.Length];
        Span<byte> entry = frame.AsSpan(FrameBytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry, Seq);
        BinaryPrimitives.WriteInt64LittleEndian(entry[8..], Time.ToUnixTimeMilliseconds());
        entry[16] = (byte)Class;
        entry[17] = Retain ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt16LittleEndian(entry[18..], (ushort)topicBytes);
        BinaryPrimitives.WriteUInt16LittleEndian(entry[20..], (ushort)typeBytes);
        Encoding.UTF8.GetBytes(Topic, entry[FixedBytes..]);
        Encoding.UTF8.GetBytes(ContentType, entry[(FixedBytes + topicBytes)..]);
        Body.Span.CopyTo(entry[(FixedBytes + topicBytes + typeBytes)..]);
        BinaryPrimitives.WriteInt32LittleEndian(frame, entry.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(4), StateFile.Checksum(entry));
        return frame;
    }

    /// <summary>Reads the entry at the start of the bytes; null where it is cut off or damaged.</summary>
    public static (OutboxEntry Entry, int Bytes)? Decode(ReadOnlyMemory<byte> bytes)
    {
        ReadOnlySpan<byte> span = bytes.Span;
        if (span.Length < FrameBytes)
        {
            return null;
        }
        int length = BinaryPrimitives.ReadInt32LittleEndian(span);
        if (length < FixedBytes || length > MaximumBytes || length > span.Length - FrameBytes)
        {
            return null;
        }
        ReadOnlySpan<byte> entry = span.Slice(FrameBytes, length);
        if (StateFile.Checksum(entry) != BinaryPrimitives.ReadUInt32LittleEndian(span[4..]))
        {
            return null;
        }
        int topicBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[18..]);
        int typeBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[20..]);
        if (FixedBytes + topicBytes + typeBytes > length)
        {
            return null;
        }
        int body = FrameBytes + FixedBytes + topicBytes + typeBytes;
        return (new OutboxEntry(
            BinaryPrimitives.ReadInt64LittleEndian(entry),
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64LittleEndian(entry[8..])),
            (ReportClass)entry[16],
            entry[17] != 0,
            Encoding.UTF8.GetString(entry.Slice(FixedBytes, topicBytes)),
            Encoding.UTF8.GetString(entry.Slice(FixedBytes + topicBytes, typeBytes)),
            bytes[body..(FrameBytes + length)]), FrameBytes + length);
    }

    /// <summary>The payload as it is sent: field 1 of every report is its header, and protobuf takes fields in any order.</summary>
    public byte[] Payload(long boot)
    {
        Wire.GapReport headerOnly = new()
        {
            Header = new Wire.ReportHeader { Boot = (ulong)boot, Seq = (ulong)Seq, Time = Timestamp.FromDateTimeOffset(Time) },
        };
        return [.. headerOnly.ToByteArray(), .. Body.Span];
    }
}

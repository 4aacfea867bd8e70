using Microsoft.Win32.SafeHandles;

namespace EdgeFleet.Onnx.Scanning;

/// <summary>How protobuf stores a field.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>
/// Walks protobuf in a file through one small buffer: whatever the file says, memory stays the same. Skipping does not
/// read. Anything that protobuf would not accept is a <see cref="ScanRejectedException"/> with the offset.
/// </summary>
internal sealed class WireReader(SafeFileHandle file, long length)
{
    private const int BufferBytes = 64 * 1024;
    private const int MaxVarintBytes = 10;
    private readonly byte[] _buffer = new byte[BufferBytes];
    private long _bufferStart;
    private int _bufferCount;

    public long Position { get; private set; }

    public long Length => length;

    /// <summary>Reads the next field's number and type; the end of the enclosing message is the caller's to know.</summary>
    public (int Field, WireType Type) ReadTag(long end)
    {
        ulong tag = ReadVarint(end);
        int field = (int)Math.Min(tag >> 3, int.MaxValue);
        int type = (int)(tag & 7);
        if (field is 0 or > 536_870_911 || type is not (0 or 1 or 2 or 5))
        {
            throw Malformed($"field {field} of wire type {type}");
        }

        return (field, (WireType)type);
    }

    public ulong ReadVarint(long end)
    {
        ulong value = 0;
        for (int i = 0; i < MaxVarintBytes; i++)
        {
            byte next = ReadByte(end);
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return value;
            }
        }

        throw Malformed($"a number of more than {MaxVarintBytes} bytes");
    }

    /// <summary>Reads a length and returns where the field ends.</summary>
    public long ReadLength(long end)
    {
        ulong size = ReadVarint(end);
        return size <= (ulong)(end - Position)
            ? Position + (long)size
            : throw Malformed($"a field of {size} bytes where {end - Position} are left");
    }

    public void SkipTo(long position) => Position = position;

    public void Skip(WireType type, long end)
    {
        switch (type)
        {
            case WireType.Varint:
                ReadVarint(end);
                break;
            case WireType.Fixed64:
                SkipFixed(sizeof(ulong), end);
                break;
            case WireType.Fixed32:
                SkipFixed(sizeof(uint), end);
                break;
            default:
                SkipTo(ReadLength(end));
                break;
        }
    }

    public void SkipFixed(int size, long end)
    {
        if (size > end - Position)
        {
            throw Malformed($"a value of {size} bytes where {end - Position} are left");
        }

        Position += size;
    }

    public byte[] ReadBytes(int count)
    {
        byte[] bytes = new byte[count];
        for (int done = 0; done < count;)
        {
            Fill();
            int offset = (int)(Position - _bufferStart);
            int step = Math.Min(count - done, _bufferCount - offset);
            _buffer.AsSpan(offset, step).CopyTo(bytes.AsSpan(done));
            done += step;
            Position += step;
        }

        return bytes;
    }

    public ScanRejectedException Malformed(string what) =>
        new(ScanRejection.Malformed, $"byte {Position} of {length}: {what}");

    private byte ReadByte(long end)
    {
        if (Position >= end)
        {
            throw Malformed("the message ends in the middle of a number");
        }

        Fill();
        return _buffer[(int)(Position++ - _bufferStart)];
    }

    private void Fill()
    {
        if (Position >= _bufferStart && Position < _bufferStart + _bufferCount)
        {
            return;
        }

        _bufferStart = Position;
        _bufferCount = RandomAccess.Read(file, _buffer, Position);
        if (_bufferCount == 0)
        {
            throw Malformed("the file ends here");
        }
    }
}

/// <summary>How the parts of a scan say no; it never leaves <see cref="ModelScanner"/>.</summary>
internal sealed class ScanRejectedException(ScanRejection reason, string message) : Exception(message)
{
    public ScanRejection Reason { get; } = reason;
}

using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>How protobuf stores a field.</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// <summary>
/// Walks the fields of one protobuf message where it lies, so that tensors are not copied to be looked at: the generated code
/// would make objects of them first.
/// </summary>
internal ref struct MessageFields
{
    private const int MaximumGroups = 32;
    private readonly ReadOnlySequence<byte> _whole;
    private readonly int _start;
    private SequenceReader<byte> _reader;

    public MessageFields(in ReadOnlySequence<byte> whole) : this(whole, (0, checked((int)whole.Length)))
    {
    }

    /// <param name="whole">The outermost message.</param>
    /// <param name="part">Where in it this message lies.</param>
    public MessageFields(in ReadOnlySequence<byte> whole, (int Start, int Length) part)
    {
        _whole = whole;
        _start = part.Start;
        _reader = new SequenceReader<byte>(part.Length == 0 ? ReadOnlySequence<byte>.Empty : whole.Slice(part.Start, part.Length));
    }

    public readonly bool AtEnd => _reader.End;

    /// <returns>False at the end of the message.</returns>
    /// <exception cref="RequestException">This is not protobuf; so for all that read here.</exception>
    public bool Next(out int field, out WireType type)
    {
        (field, type) = (0, default);
        if (_reader.End)
        {
            return false;
        }
        ulong tag = Varint();
        (field, type) = ((int)Math.Min(tag >> 3, int.MaxValue), (WireType)(tag & 7));
        return field is > 0 and <= 536_870_911 && type <= WireType.Fixed32 ? true : throw Malformed($"field {field} of wire type {(int)type}");
    }

    public ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (!_reader.TryRead(out byte next))
            {
                throw Malformed("it ends in the middle of a number");
            }
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }
        throw Malformed("a number has more than 10 bytes");
    }

    public uint Fixed32()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        Fixed(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    public ulong Fixed64()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Fixed(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    /// <summary>Steps over a text, bytes or a message.</summary>
    /// <returns>Where it lies in the outermost message.</returns>
    public (int Start, int Length) Bytes()
    {
        ulong length = Varint();
        if (length > (ulong)_reader.Remaining)
        {
            throw Malformed($"a field of {length} bytes where {_reader.Remaining} are left");
        }
        int start = _start + (int)_reader.Consumed;
        _reader.Advance((long)length);
        return (start, (int)length);
    }

    public string Text()
    {
        (int start, int length) = Bytes();
        return length == 0 ? "" : Encoding.UTF8.GetString(_whole.Slice(start, length));
    }

    public readonly ReadOnlySequence<byte> At((int Start, int Length) part) =>
        part.Length == 0 ? ReadOnlySequence<byte>.Empty : _whole.Slice(part.Start, part.Length);

    /// <summary>Steps over a value that nobody here knows.</summary>
    public void Skip(WireType type) => Skip(type, MaximumGroups);

    private void Skip(WireType type, int groupsLeft)
    {
        switch (type)
        {
            case WireType.Varint:
                Varint();
                break;
            case WireType.Fixed64:
                Fixed64();
                break;
            case WireType.Bytes:
                Bytes();
                break;
            case WireType.Fixed32:
                Fixed32();
                break;
            case WireType.StartGroup when groupsLeft > 0:
                while (Next(out _, out WireType inner) ? inner != WireType.EndGroup : throw Malformed("it ends in the middle of a group"))
                {
                    Skip(inner, groupsLeft - 1);
                }
                break;
            default:
                throw Malformed(type == WireType.EndGroup ? "a group ends that has not begun" : $"more than {MaximumGroups} groups in one another");
        }
    }

    private void Fixed(scoped Span<byte> bytes)
    {
        if (!_reader.TryCopyTo(bytes))
        {
            throw Malformed("it ends in the middle of a number");
        }
        _reader.Advance(bytes.Length);
    }

    private readonly RequestException Malformed(string what) =>
        RequestException.BadRequest($"the message is not a ModelInferRequest: byte {_start + _reader.Consumed}: {what}");
}

using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using EdgeFleet.Inference;

namespace EdgeFleet.Agent.Serving.OpenInference.Grpc;

/// <summary>
/// Values in gRPC's InferTensorContents, where each kind of type has a repeated field. FP16 and BF16 have none in the protocol
/// and go as raw contents only.
/// </summary>
internal static class TensorContents
{
    private const int InTensor = 5;
    private const int Bool = 1;
    private const int Int = 2;
    private const int Int64 = 3;
    private const int Uint = 4;
    private const int Uint64 = 5;
    private const int Fp32 = 6;
    private const int Fp64 = 7;
    private const int Bytes = 8;

    public static bool Has(string elementType) => FieldOf(elementType) != 0;

    /// <param name="tensor">A whole InferInputTensor.</param>
    /// <param name="inputName">For what is refused.</param>
    /// <param name="elementType">The input's type, which says in which field its values are.</param>
    /// <param name="target">Filled.</param>
    /// <exception cref="RequestException">A value is not of the type, or there are too many or too few.</exception>
    public static void Read(in ReadOnlySequence<byte> tensor, string inputName, string elementType, Span<byte> target)
    {
        int expected = FieldOf(elementType);
        if (expected == 0)
        {
            throw RequestException.BadRequest($"input '{inputName}' is {elementType}, which has no form in contents; send it as raw_input_contents");
        }
        Values values = new(inputName, elementType, target);
        MessageFields fields = new(tensor);
        while (fields.Next(out int field, out WireType type))
        {
            if ((field, type) == (InTensor, WireType.Bytes))
            {
                ReadContents(tensor, fields.Bytes(), expected, ref values);
            }
            else
            {
                fields.Skip(type);
            }
        }
        values.CheckCount();
    }

    /// <summary>Bytes of the values as a packed field.</summary>
    public static int PackedSize(string elementType, ReadOnlySpan<byte> data)
    {
        if (elementType is "FP32" or "FP64")
        {
            return data.Length;
        }
        int width = ElementTypes.WidthOf(elementType);
        int size = 0;
        for (int i = 0; i < data.Length; i += width)
        {
            size += ProtoBuffer.VarintSize(Value(elementType, data[i..]));
        }
        return size;
    }

    /// <summary>Writes an InferTensorContents with the values packed.</summary>
    /// <param name="to">Written to.</param>
    /// <param name="elementType">One that <see cref="Has"/> a typed form.</param>
    /// <param name="data">The values.</param>
    /// <param name="packedSize">What <see cref="PackedSize"/> says of them.</param>
    public static void Write(ProtoBuffer to, string elementType, ReadOnlySpan<byte> data, int packedSize)
    {
        if (data.IsEmpty)
        {
            return;
        }
        to.Tag(FieldOf(elementType), WireType.Bytes);
        to.Varint((ulong)packedSize);
        if (elementType is "FP32" or "FP64")
        {
            to.Bytes(data);
            return;
        }
        int width = ElementTypes.WidthOf(elementType);
        for (int i = 0; i < data.Length; i += width)
        {
            to.Varint(Value(elementType, data[i..]));
        }
    }

    private static void ReadContents(in ReadOnlySequence<byte> tensor, (int Start, int Length) part, int expected, ref Values values)
    {
        MessageFields fields = new(tensor, part);
        while (fields.Next(out int field, out WireType type))
        {
            if (field is < Bool or > Bytes)
            {
                fields.Skip(type);
                continue;
            }
            if (field != expected)
            {
                throw RequestException.BadRequest($"input '{values.InputName}' has {NameOf(field)}; {values.ElementType} goes in {NameOf(expected)}");
            }
            // A list of numbers is packed into one field or is one field each: a reader has to take both.
            if (type == WireType.Bytes)
            {
                ReadPacked(tensor, fields.Bytes(), expected, ref values);
            }
            else if (type == WireOf(expected))
            {
                values.Add(ReadOne(ref fields, type));
            }
            else
            {
                fields.Skip(type);
            }
        }
    }

    private static void ReadPacked(in ReadOnlySequence<byte> tensor, (int Start, int Length) part, int field, ref Values values)
    {
        MessageFields packed = new(tensor, part);
        if (field is Fp32 or Fp64)
        {
            values.AddPacked(packed.At(part));
            return;
        }
        while (!packed.AtEnd)
        {
            values.Add(packed.Varint());
        }
    }

    private static ulong ReadOne(ref MessageFields fields, WireType type) => type switch
    {
        WireType.Fixed32 => fields.Fixed32(),
        WireType.Fixed64 => fields.Fixed64(),
        _ => fields.Varint(),
    };

    /// <summary>A value as its varint says it: negative numbers with the sign extended to 64 bits.</summary>
    private static ulong Value(string elementType, ReadOnlySpan<byte> at) => elementType switch
    {
        "BOOL" => at[0] != 0 ? 1UL : 0,
        "UINT8" => at[0],
        "INT8" => (ulong)(sbyte)at[0],
        "UINT16" => MemoryMarshal.Read<ushort>(at),
        "INT16" => (ulong)MemoryMarshal.Read<short>(at),
        "UINT32" => MemoryMarshal.Read<uint>(at),
        "INT32" => (ulong)MemoryMarshal.Read<int>(at),
        _ => MemoryMarshal.Read<ulong>(at),
    };

    private static int FieldOf(string elementType) => elementType switch
    {
        "BOOL" => Bool,
        "INT8" or "INT16" or "INT32" => Int,
        "INT64" => Int64,
        "UINT8" or "UINT16" or "UINT32" => Uint,
        "UINT64" => Uint64,
        "FP32" => Fp32,
        "FP64" => Fp64,
        _ => 0,
    };

    private static WireType WireOf(int field) => field switch
    {
        Fp32 => WireType.Fixed32,
        Fp64 => WireType.Fixed64,
        _ => WireType.Varint,
    };

    private static string NameOf(int field) => field switch
    {
        Bool => "bool_contents",
        Int => "int_contents",
        Int64 => "int64_contents",
        Uint => "uint_contents",
        Uint64 => "uint64_contents",
        Fp32 => "fp32_contents",
        Fp64 => "fp64_contents",
        _ => "bytes_contents",
    };

    /// <summary>The values as they come, each checked against the type and put where the model reads it.</summary>
    private ref struct Values(string inputName, string elementType, Span<byte> target)
    {
        private readonly Span<byte> _target = target;
        private readonly int _width = ElementTypes.WidthOf(elementType);
        private int _count;

        public readonly string InputName => inputName;

        public readonly string ElementType => elementType;

        public void Add(ulong value)
        {
            Span<byte> at = Take(1);
            if (elementType == "BOOL")
            {
                at[0] = value != 0 ? (byte)1 : (byte)0;
                return;
            }
            // int32 and uint32 are the low half of what was sent, as protobuf says.
            long number = elementType switch
            {
                "INT8" or "INT16" or "INT32" => (int)value,
                "UINT8" or "UINT16" or "UINT32" => (uint)value,
                _ => 0,
            };
            bool fits = elementType switch
            {
                "INT8" => number is >= sbyte.MinValue and <= sbyte.MaxValue,
                "INT16" => number is >= short.MinValue and <= short.MaxValue,
                "UINT8" => number <= byte.MaxValue,
                "UINT16" => number <= ushort.MaxValue,
                _ => true,
            };
            if (!fits)
            {
                throw TensorDataErrors.NotAValue(inputName, elementType, _count - 1, number.ToString(CultureInfo.InvariantCulture));
            }
            switch (_width)
            {
                case 1: at[0] = (byte)value; break;
                case 2: BinaryPrimitives.WriteUInt16LittleEndian(at, (ushort)value); break;
                case 4: BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)value); break;
                default: BinaryPrimitives.WriteUInt64LittleEndian(at, value); break;
            }
        }

        /// <summary>Floats packed are floats in memory.</summary>
        public void AddPacked(in ReadOnlySequence<byte> values)
        {
            if (values.Length % _width != 0)
            {
                throw RequestException.BadRequest($"input '{inputName}' has {values.Length} bytes in {NameOf(FieldOf(elementType))}, which is no number of {elementType}");
            }
            values.CopyTo(Take((int)(values.Length / _width)));
        }

        public readonly void CheckCount() => TensorDataErrors.CheckCount(inputName, _count, _target.Length / _width);

        private Span<byte> Take(int count)
        {
            if (count > (_target.Length / _width) - _count)
            {
                throw TensorDataErrors.TooMany(inputName, _target.Length / _width);
            }
            Span<byte> taken = _target.Slice(_count * _width, count * _width);
            _count += count;
            return taken;
        }
    }
}

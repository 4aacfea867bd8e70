using EdgeFleet.Onnx.Schema;
using DataType = EdgeFleet.Onnx.Schema.TensorProto.Types.DataType;

namespace EdgeFleet.Onnx.Tensors;

/// <summary>How many elements and bytes a shape and an element type need.</summary>
public static class TensorSize
{
    /// <summary>Bits of one element as stored; 0 for strings, whose size the type does not tell; null for an unknown type.</summary>
    public static int? BitsPerElement(int dataType) => (DataType)dataType switch
    {
        DataType.Uint2 or DataType.Int2 => 2,
        DataType.Uint4 or DataType.Int4 or DataType.Float4E2M1 => 4,
        DataType.Uint8 or DataType.Int8 or DataType.Bool or DataType.Float8E4M3Fn or DataType.Float8E4M3Fnuz
            or DataType.Float8E5M2 or DataType.Float8E5M2Fnuz or DataType.Float8E8M0 => 8,
        DataType.Uint16 or DataType.Int16 or DataType.Float16 or DataType.Bfloat16 => 16,
        DataType.Float or DataType.Int32 or DataType.Uint32 => 32,
        DataType.Double or DataType.Int64 or DataType.Uint64 or DataType.Complex64 => 64,
        DataType.Complex128 => 128,
        DataType.String => 0,
        _ => null,
    };

    /// <summary>The product of the dimensions, or null where one is negative or the product does not fit.</summary>
    public static long? ElementCount(IEnumerable<long> dims)
    {
        ArgumentNullException.ThrowIfNull(dims);
        UInt128 product = 1;
        bool empty = false;
        bool fits = true;
        foreach (long dim in dims)
        {
            if (dim < 0)
            {
                return null;
            }

            empty |= dim == 0;
            product *= fits ? (UInt128)dim : 1;
            fits &= product <= long.MaxValue;
        }

        // An empty tensor is empty whatever its other dimensions multiply to.
        return empty ? 0 : fits ? (long)product : null;
    }

    /// <exception cref="InvalidModelException">The shape or the type has no size.</exception>
    public static int Elements(TensorProto tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return ElementCount(tensor.Dims) is { } count and <= int.MaxValue
            ? (int)count
            : throw new InvalidModelException($"tensor '{tensor.Name}': shape [{string.Join(", ", tensor.Dims)}] has no size that fits in memory");
    }

    internal static long Bytes(TensorProto tensor)
    {
        int bits = BitsPerElement(tensor.DataType) is { } known and > 0
            ? known
            : throw new InvalidModelException($"tensor '{tensor.Name}': element type {tensor.DataType} has no fixed size");
        return (((long)Elements(tensor) * bits) + 7) / 8;
    }
}

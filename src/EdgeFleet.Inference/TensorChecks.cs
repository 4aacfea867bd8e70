using System.Numerics;
using System.Runtime.InteropServices;

namespace EdgeFleet.Inference;

/// <summary>What is asked of an output: is it a number at all, and which label does it name.</summary>
public static class TensorChecks
{
    /// <summary>False when anything is infinite or not a number. Integers always pass.</summary>
    public static bool AllFinite(string elementType, ReadOnlySpan<byte> data) => elementType switch
    {
        // Infinity and NaN are the values whose exponent bits are all ones.
        "FP32" => NoneHas(MemoryMarshal.Cast<byte, uint>(data), 0x7F80_0000u),
        "FP64" => NoneHas(MemoryMarshal.Cast<byte, ulong>(data), 0x7FF0_0000_0000_0000ul),
        "FP16" => NoneHas(MemoryMarshal.Cast<byte, ushort>(data), (ushort)0x7C00),
        "BF16" => NoneHas(MemoryMarshal.Cast<byte, ushort>(data), (ushort)0x7F80),
        _ => true,
    };

    /// <summary>The index of the largest value, the first of equals; -1 for no values or where one is not a number.</summary>
    public static int ArgMax(string elementType, ReadOnlySpan<byte> data) => elementType switch
    {
        "FP32" => ArgMax(MemoryMarshal.Cast<byte, float>(data)),
        "FP64" => ArgMax(MemoryMarshal.Cast<byte, double>(data)),
        "FP16" => ArgMax(MemoryMarshal.Cast<byte, Half>(data)),
        "BF16" => ArgMaxOfBFloat(MemoryMarshal.Cast<byte, ushort>(data)),
        "UINT8" or "BOOL" => ArgMax(data),
        "INT8" => ArgMax(MemoryMarshal.Cast<byte, sbyte>(data)),
        "UINT16" => ArgMax(MemoryMarshal.Cast<byte, ushort>(data)),
        "INT16" => ArgMax(MemoryMarshal.Cast<byte, short>(data)),
        "UINT32" => ArgMax(MemoryMarshal.Cast<byte, uint>(data)),
        "INT32" => ArgMax(MemoryMarshal.Cast<byte, int>(data)),
        "UINT64" => ArgMax(MemoryMarshal.Cast<byte, ulong>(data)),
        "INT64" => ArgMax(MemoryMarshal.Cast<byte, long>(data)),
        _ => throw new ArgumentException($"element type '{elementType}' is not known", nameof(elementType)),
    };

    /// <summary>Whether two outputs of one shape name the same label in every row of their last dimension.</summary>
    public static bool SameLabels(string elementType, IReadOnlyList<long> shape, ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length)
        {
            return false;
        }
        int row = left.Length;
        if (shape.Count > 0 && shape[^1] > 0)
        {
            row = (int)shape[^1] * ElementTypes.WidthOf(elementType);
        }
        for (int start = 0; start < left.Length; start += row)
        {
            if (ArgMax(elementType, left.Slice(start, row)) != ArgMax(elementType, right.Slice(start, row)))
            {
                return false;
            }
        }
        return true;
    }

    private static bool NoneHas<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        int i = 0;
        if (Vector.IsHardwareAccelerated)
        {
            Vector<T> ones = new(exponent);
            for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
            {
                if (Vector.EqualsAny(Vector.BitwiseAnd(new Vector<T>(values[i..]), ones), ones))
                {
                    return false;
                }
            }
        }
        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent)
            {
                return false;
            }
        }
        return true;
    }

    private static int ArgMax<T>(ReadOnlySpan<T> values) where T : unmanaged, INumber<T>
    {
        int best = -1;
        for (int i = 0; i < values.Length; i++)
        {
            if (T.IsNaN(values[i]))
            {
                return -1;
            }
            if (best < 0 || values[i] > values[best])
            {
                best = i;
            }
        }
        return best;
    }

    private static int ArgMaxOfBFloat(ReadOnlySpan<ushort> values)
    {
        Span<float> wide = values.Length <= 1024 ? stackalloc float[values.Length] : new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            wide[i] = BitConverter.UInt32BitsToSingle((uint)values[i] << 16);
        }
        return ArgMax<float>(wide);
    }
}

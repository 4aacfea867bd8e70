using System.Runtime.InteropServices;
using EdgeFleet.Core.Artifacts;

namespace EdgeFleet.Inference;

/// <summary>
/// Inputs for warming a model up and for timing one whose data is not at hand. Reals are uniform in [0, 1): zeros would make
/// a healthy model divide by a norm of nothing. Integers are zero, the one index that every table has.
/// </summary>
public static class SyntheticInputs
{
    /// <summary>Tensors that fit a contract, with every free dimension set to <paramref name="freeDimension"/>.</summary>
    public static IReadOnlyList<Tensor> For(ModelContract contract, ulong seed, long freeDimension = 1) => [.. contract.Inputs.Select(spec =>
    {
        long[] shape = [.. spec.Shape.Select(size => size < 0 ? freeDimension : size)];
        byte[] data = new byte[Tensor.Elements(spec.Name, shape) * ElementTypes.WidthOf(spec.ElementType)];
        Fill(spec.ElementType, data, seed);
        return new Tensor(spec.Name, spec.ElementType, shape, data);
    })];

    public static void Fill(PreparedCall call, ulong seed)
    {
        foreach (PreparedTensor input in call.Inputs)
        {
            Fill(input.Spec.ElementType, input.Bytes, seed);
        }
    }

    private static void Fill(string elementType, Span<byte> bytes, ulong seed)
    {
        switch (elementType)
        {
            case "FP32": Fill(MemoryMarshal.Cast<byte, float>(bytes), seed, value => (float)value); break;
            case "FP64": Fill(MemoryMarshal.Cast<byte, double>(bytes), seed, value => value); break;
            case "FP16": Fill(MemoryMarshal.Cast<byte, Half>(bytes), seed, value => (Half)value); break;
            case "BF16": Fill(MemoryMarshal.Cast<byte, ushort>(bytes), seed, value => (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16)); break;
            default: bytes.Clear(); break;
        }
    }

    /// <summary>SplitMix64: the same numbers on every machine and in every release of .NET.</summary>
    private static void Fill<T>(Span<T> values, ulong seed, Func<double, T> convert)
    {
        ulong state = seed;
        for (int i = 0; i < values.Length; i++)
        {
            state += 0x9E37_79B9_7F4A_7C15;
            ulong z = state;
            z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
            // 24 bits: exact in FP32. The narrower types may round up to 1.
            values[i] = convert(((z ^ (z >> 31)) >> 40) * (1.0 / (1 << 24)));
        }
    }
}

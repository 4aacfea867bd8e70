using System.Runtime.InteropServices;
using EdgeFleet.Core.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace EdgeFleet.Inference;

/// <summary>One bound buffer of a <see cref="PreparedCall"/>, in native memory aligned for vector loads.</summary>
public sealed unsafe class PreparedTensor
{
    /// <summary>What ONNX Runtime's own allocator aligns to.</summary>
    private const nuint Alignment = 64;
    private byte* _data;

    internal PreparedTensor(TensorSpec spec, IReadOnlyList<long> shape)
    {
        Spec = spec;
        Shape = [.. shape];
        ByteCount = checked((int)(Tensor.Elements(spec.Name, shape) * ElementTypes.WidthOf(spec.ElementType)));
        _data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(ByteCount, 1), Alignment);
        NativeMemory.Clear(_data, (nuint)ByteCount);
        Value = NativeTensor.Over((nint)_data, spec.ElementType, [.. shape], ByteCount);
    }

    /// <summary>Name and type; its shape is the contract's, where free dimensions are -1.</summary>
    public TensorSpec Spec { get; }

    public string Name => Spec.Name;

    /// <summary>The shape that this call is bound to.</summary>
    public IReadOnlyList<long> Shape { get; }

    public int ByteCount { get; }

    /// <summary>The buffer itself; valid until the call is disposed.</summary>
    public Span<byte> Bytes => new(_data, _data is null ? throw new ObjectDisposedException(nameof(PreparedCall)) : ByteCount);

    /// <exception cref="InvalidOperationException">The tensor holds another type.</exception>
    public Span<T> Values<T>() where T : unmanaged => Tensor.NameOf<T>() == Spec.ElementType
        ? MemoryMarshal.Cast<byte, T>(Bytes)
        : throw new InvalidOperationException($"tensor '{Name}' is {Spec.ElementType}, not {Tensor.NameOf<T>()}");

    internal OrtValue Value { get; }

    internal void Release()
    {
        Value.Dispose();
        NativeMemory.AlignedFree(_data);
        _data = null;
    }
}

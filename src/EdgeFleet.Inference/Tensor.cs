using System.Runtime.InteropServices;

namespace EdgeFleet.Inference;

/// <summary>A named tensor in managed memory: what goes into and comes out of <see cref="LoadedModel.Run"/>. Little endian, row-major.</summary>
public sealed record Tensor
{
    /// <exception cref="ArgumentException">The bytes are not as many as the shape asks for.</exception>
    public Tensor(string name, string elementType, IReadOnlyList<long> shape, ReadOnlyMemory<byte> data)
    {
        long expected = Elements(name, shape) * ElementTypes.WidthOf(elementType);
        if (expected != data.Length)
        {
            throw new ArgumentException($"tensor '{name}' {elementType}[{string.Join(',', shape)}] needs {expected} bytes, got {data.Length}", nameof(data));
        }
        (Name, ElementType, Shape, Data) = (name, elementType, shape, data);
    }

    public string Name { get; }

    /// <summary>The Open Inference Protocol's name, such as FP32.</summary>
    public string ElementType { get; }

    public IReadOnlyList<long> Shape { get; }

    public ReadOnlyMemory<byte> Data { get; }

    public static Tensor Of<T>(string name, IReadOnlyList<long> shape, ReadOnlySpan<T> values) where T : unmanaged =>
        new(name, NameOf<T>(), shape, MemoryMarshal.AsBytes(values).ToArray());

    public static Tensor Of(string name, IReadOnlyList<long> shape, params ReadOnlySpan<float> values) => Of<float>(name, shape, values);

    /// <exception cref="InvalidOperationException">The tensor holds another type.</exception>
    public ReadOnlySpan<T> Values<T>() where T : unmanaged => NameOf<T>() == ElementType
        ? MemoryMarshal.Cast<byte, T>(Data.Span)
        : throw new InvalidOperationException($"tensor '{Name}' is {ElementType}, not {NameOf<T>()}");

    public ReadOnlySpan<float> Floats() => Values<float>();

    public override string ToString() => $"{Name}:{ElementType}[{string.Join(',', Shape)}]";

    internal static long Elements(string name, IReadOnlyList<long> shape)
    {
        long elements = 1;
        foreach (long dimension in shape)
        {
            elements = dimension >= 0 ? checked(elements * dimension) : throw new ArgumentException($"tensor '{name}': dimension {dimension} in [{string.Join(',', shape)}] is not a size", nameof(shape));
        }
        return elements;
    }

    internal static string NameOf<T>() where T : unmanaged => default(T) switch
    {
        float => "FP32",
        byte => "UINT8",
        sbyte => "INT8",
        ushort => "UINT16",
        short => "INT16",
        int => "INT32",
        long => "INT64",
        bool => "BOOL",
        Half => "FP16",
        double => "FP64",
        uint => "UINT32",
        ulong => "UINT64",
        _ => throw new ArgumentException($"{typeof(T).Name} is not an element type of a tensor"),
    };
}

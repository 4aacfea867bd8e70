using System.Buffers.Binary;
using System.Text;

namespace EdgeFleet.Linux.Gpio;

/// <summary>
/// Bytes and numbers of the GPIO character device, user API version 2 (linux/gpio.h, Linux 5.10 and newer), the same on x64
/// and arm64. Structs are written field by field: what the kernel reads is all there is.
/// </summary>
public static class GpioFormat
{
    // _IOWR(0xB4, 0x07, 592 bytes), _IOWR(0xB4, 0x0E, 16 bytes), _IOWR(0xB4, 0x0F, 16 bytes).
    public const uint GetLine = 0xC250B407, GetValues = 0xC010B40E, SetValues = 0xC010B40F;

    /// <summary><c>struct gpio_v2_line_request</c>.</summary>
    public const int LineRequestSize = 592;
    /// <summary><c>struct gpio_v2_line_values</c>.</summary>
    public const int LineValuesSize = 16;
    /// <summary><c>struct gpio_v2_line_event</c>.</summary>
    public const int LineEventSize = 48;

    private const ulong Input = 1 << 2, Output = 1 << 3, EdgeRising = 1 << 4, EdgeFalling = 1 << 5, BiasPullUp = 1 << 8;
    private const uint AttributeOutputValues = 2, AttributeDebounce = 3;
    private const int LongestName = 31;

    // Offsets in the request: offsets[64], consumer[32], config {flags, num_attrs, padding[5], attrs[10]}, num_lines,
    // event_buffer_size, padding[5], fd.
    private const int Consumer = 256, Flags = 288, AttributeCount = 296, FirstAttribute = 320, LineCount = 560, Descriptor = 588;

    /// <summary>An output that is high from the moment at which it is requested.</summary>
    /// <param name="request">592 bytes, all of which are written.</param>
    /// <param name="line">Its number on the chip.</param>
    /// <param name="consumer">Who holds it, as <c>gpioinfo</c> shows it: ASCII, at most 31 characters.</param>
    public static void WriteOutputRequest(Span<byte> request, uint line, string consumer)
    {
        WriteHead(request, line, consumer, Output);
        // Bit 0 of the values is the first line of the request, whatever its number is.
        WriteAttribute(request, AttributeOutputValues, value: 1);
    }

    /// <summary>A button between the line and ground: pulled up, its edges told once they have lasted.</summary>
    /// <param name="request">592 bytes, all of which are written.</param>
    /// <param name="line">Its number on the chip.</param>
    /// <param name="consumer">Who holds it.</param>
    /// <param name="debounce">An edge counts when the line has kept still for so long; whole microseconds. Zero: each edge.</param>
    public static void WriteButtonRequest(Span<byte> request, uint line, string consumer, TimeSpan debounce)
    {
        uint microseconds = checked((uint)(debounce.Ticks / TimeSpan.TicksPerMicrosecond));
        WriteHead(request, line, consumer, Input | EdgeRising | EdgeFalling | BiasPullUp);
        if (microseconds > 0)
        {
            WriteAttribute(request, AttributeDebounce, microseconds);
        }
    }

    /// <summary>The descriptor of the line, in the kernel's answer to <see cref="GetLine"/>.</summary>
    public static int ReadDescriptor(ReadOnlySpan<byte> request) => BinaryPrimitives.ReadInt32LittleEndian(request[Descriptor..]);

    /// <summary>The value of the first line, for both directions.</summary>
    /// <param name="values">16 bytes, all of which are written.</param>
    public static void WriteValues(Span<byte> values, bool high)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(values, high ? 1UL : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(values[8..], 1);
    }

    public static bool ReadValue(ReadOnlySpan<byte> values) => (BinaryPrimitives.ReadUInt64LittleEndian(values) & 1) != 0;

    public static GpioEdge ReadEdge(ReadOnlySpan<byte> edge) => new(
        TimestampNanoseconds: (long)BinaryPrimitives.ReadUInt64LittleEndian(edge),
        IsRising: BinaryPrimitives.ReadUInt32LittleEndian(edge[8..]) == 1,
        Line: BinaryPrimitives.ReadUInt32LittleEndian(edge[12..]));

    private static void WriteHead(Span<byte> request, uint line, string consumer, ulong flags)
    {
        byte[] name = Encoding.ASCII.GetBytes(consumer);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(name.Length, LongestName, nameof(consumer));
        request = request[..LineRequestSize];
        request.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(request, line);
        name.CopyTo(request[Consumer..]);
        BinaryPrimitives.WriteUInt64LittleEndian(request[Flags..], flags);
        BinaryPrimitives.WriteUInt32LittleEndian(request[LineCount..], 1);
    }

    private static void WriteAttribute(Span<byte> request, uint id, ulong value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(request[AttributeCount..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(request[FirstAttribute..], id);
        BinaryPrimitives.WriteUInt64LittleEndian(request[(FirstAttribute + 8)..], value);
        // The mask: for the first line of the request.
        BinaryPrimitives.WriteUInt64LittleEndian(request[(FirstAttribute + 16)..], 1);
    }
}

using System.Buffers.Binary;
using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>The registers of one of Texas Instruments' chips: big-endian, 16 to 40 bits.</summary>
internal sealed class ChipRegisters(II2cBus bus, int busNumber, byte address) : IDisposable
{
    private string? _problem;
    private Errno _problemError;

    public string Place => $"0x{address:x2} on i2c-{busNumber}";

    /// <summary>Of the last transfer.</summary>
    public Errno Error { get; private set; }

    /// <summary>Why the last transfer failed.</summary>
    public string Problem
    {
        get
        {
            if (_problem is null || _problemError != Error)
            {
                (_problem, _problemError) = ($"{Place}: {Error.Describe()}", Error);
            }
            return _problem;
        }
    }

    public bool TryRead(byte register, int bytes, out ulong value)
    {
        Span<byte> content = stackalloc byte[sizeof(ulong)];
        content.Clear();
        Error = bus.Read(address, register, content[^bytes..]);
        value = BinaryPrimitives.ReadUInt64BigEndian(content);
        return Error == Errno.None;
    }

    public bool TryReadWord(byte register, out ushort value)
    {
        bool read = TryRead(register, sizeof(ushort), out ulong word);
        value = (ushort)word;
        return read;
    }

    public bool TryWriteWord(byte register, ushort value)
    {
        Span<byte> content = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(content, value);
        Error = bus.Write(address, register, content);
        return Error == Errno.None;
    }

    public void Dispose() => bus.Dispose();
}

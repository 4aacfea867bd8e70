using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>A chip by its registers, modelled after the data sheet. Counts what is written, and fails when told.</summary>
internal class FakeI2cChip(byte address) : II2cBus
{
    public Dictionary<byte, byte[]> Registers { get; } = [];

    public Errno Error { get; set; }

    public List<byte> Written { get; } = [];

    public void Word(byte register, int value) => Registers[register] = [(byte)(value >> 8), (byte)value];

    public int Word(byte register) => Registers.TryGetValue(register, out byte[]? bytes) ? (bytes[0] << 8) | bytes[1] : 0;

    public void Wide(byte register, int bytes, long value) => Registers[register] = [.. Enumerable.Range(0, bytes).Select(i => (byte)(value >> (8 * (bytes - 1 - i))))];

    public virtual Errno Read(byte to, byte register, Span<byte> content)
    {
        if (Error != Errno.None || to != address)
        {
            return Error != Errno.None ? Error : Errno.Enxio;
        }
        content.Clear();
        if (Registers.TryGetValue(register, out byte[]? bytes))
        {
            bytes.AsSpan(0, Math.Min(bytes.Length, content.Length)).CopyTo(content);
        }
        return Errno.None;
    }

    public virtual Errno Write(byte to, byte register, ReadOnlySpan<byte> content)
    {
        if (Error != Errno.None || to != address)
        {
            return Error != Errno.None ? Error : Errno.Enxio;
        }
        Registers[register] = content.ToArray();
        Written.Add(register);
        return Errno.None;
    }

    public void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Computes its current register from shunt voltage and calibration, as the data sheet says: 0 without calibration.</summary>
internal sealed class FakeIna226 : FakeI2cChip
{
    public FakeIna226(byte address = 0x40) : base(address)
    {
        Word(0xFE, 0x5449);
        Word(0xFF, 0x2260);
        Word(0, 0x4127);
    }

    /// <summary>In steps of 2.5 uV.</summary>
    public int Shunt { get; set; }

    /// <summary>In steps of 1.25 mV.</summary>
    public int Bus
    {
        set => Word(2, value);
    }

    public void BrownOut()
    {
        Word(0, 0x4127);
        Word(5, 0);
    }

    public override Errno Read(byte to, byte register, Span<byte> content)
    {
        Word(4, Shunt * Word(5) / 2048);
        return base.Read(to, register, content);
    }
}

internal sealed class FakeIna228 : FakeI2cChip
{
    public FakeIna228(byte address = 0x40) : base(address)
    {
        Word(0x3E, 0x5449);
        Word(0x3F, 0x2281);
        Word(2, 0x1000);
        Wide(5, 3, 61440L << 4); // 12 V
    }

    /// <summary>In current steps, signed.</summary>
    public int Current
    {
        set => Wide(7, 3, (value & 0xFFFFFL) << 4);
    }

    public ulong Energy
    {
        set => Wide(9, 5, (long)value);
    }

    public void BrownOut()
    {
        Word(2, 0x1000);
        Energy = 0;
    }
}

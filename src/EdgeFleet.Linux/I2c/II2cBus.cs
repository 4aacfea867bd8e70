using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.I2c;

/// <summary>
/// One I2C bus whose chips are read register by register. A test puts a fake chip behind it. Not for two threads at once.
/// </summary>
public interface II2cBus : IDisposable
{
    /// <summary>Reads from a register on, in the order of the wire (most significant byte first for TI's chips).</summary>
    /// <param name="address">7 bits, for example 0x40.</param>
    /// <param name="content">1 to 32 bytes; holds nothing of use unless the answer is <see cref="Errno.None"/>.</param>
    /// <returns>EBUSY: a kernel driver owns the chip. ENXIO, EREMOTEIO: nobody acknowledged. ETIMEDOUT, EIO: the bus hangs.</returns>
    Errno Read(byte address, byte register, Span<byte> content);

    /// <inheritdoc cref="Read"/>
    Errno Write(byte address, byte register, ReadOnlySpan<byte> content);
}

using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.I2c;

/// <summary>
/// A bus by its character device (<c>/dev/i2c-N</c>, linux/i2c-dev.h). Register and content go in one transfer with a
/// repeated start, so that another process on the bus cannot move the chip's register pointer in between.
/// </summary>
public sealed partial class I2cBus(string path) : II2cBus
{
    internal const uint I2C_SLAVE = 0x0703, I2C_SMBUS = 0x0720, I2C_SMBUS_I2C_BLOCK_DATA = 8;
    internal const byte I2C_SMBUS_WRITE = 0, I2C_SMBUS_READ = 1;
    internal const int I2C_SMBUS_BLOCK_MAX = 32;
    private int _descriptor = -1;
    private int _address = -1;

    public Errno Read(byte address, byte register, Span<byte> content)
    {
        Span<byte> block = stackalloc byte[I2C_SMBUS_BLOCK_MAX + 2];
        block[0] = (byte)Checked(content.Length);
        Errno error = Transfer(address, register, I2C_SMBUS_READ, block);
        if (error == Errno.None && block[0] != content.Length)
        {
            return Errno.Eio;
        }
        block.Slice(1, content.Length).CopyTo(content);
        return error;
    }

    public Errno Write(byte address, byte register, ReadOnlySpan<byte> content)
    {
        Span<byte> block = stackalloc byte[I2C_SMBUS_BLOCK_MAX + 2];
        block[0] = (byte)Checked(content.Length);
        content.CopyTo(block[1..]);
        return Transfer(address, register, I2C_SMBUS_WRITE, block);
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = close(_descriptor);
            (_descriptor, _address) = (-1, -1);
        }
    }

    private static int Checked(int length) => length is > 0 and <= I2C_SMBUS_BLOCK_MAX
        ? length
        : throw new ArgumentOutOfRangeException(nameof(length), length, "an I2C block has 1 to 32 bytes");

    private unsafe Errno Transfer(byte address, byte register, byte direction, Span<byte> block)
    {
        Errno error = Select(address);
        if (error != Errno.None)
        {
            return error;
        }
        fixed (byte* data = block)
        {
            SmbusCall call = new() { ReadWrite = direction, Command = register, Size = I2C_SMBUS_I2C_BLOCK_DATA, Data = data };
            return ioctl(_descriptor, I2C_SMBUS, (nint)(&call)) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        }
    }

    /// <summary>The kernel answers EBUSY here for a chip that one of its drivers owns: two masters of its registers spoil both.</summary>
    private Errno Select(byte address)
    {
        const int O_RDWR = 2, O_CLOEXEC = 0x80000;
        if (_descriptor < 0)
        {
            _descriptor = open(path, O_RDWR | O_CLOEXEC);
            if (_descriptor < 0)
            {
                return (Errno)Marshal.GetLastPInvokeError();
            }
        }
        if (_address != address)
        {
            if (ioctl(_descriptor, I2C_SLAVE, address) < 0)
            {
                return (Errno)Marshal.GetLastPInvokeError();
            }
            _address = address;
        }
        return Errno.None;
    }

    /// <summary><c>struct i2c_smbus_ioctl_data</c>; the data are <c>union i2c_smbus_data</c>: a length and up to 32 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct SmbusCall
    {
        public byte ReadWrite;
        public byte Command;
        public uint Size;
        public byte* Data;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, nint argument);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

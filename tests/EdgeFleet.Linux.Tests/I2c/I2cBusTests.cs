using System.Runtime.InteropServices;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Native;

namespace EdgeFleet.Linux.Tests.I2c;

public sealed class I2cBusTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_bus_that_is_not_there_and_one_that_is_none_give_the_kernel_s_reason()
    {
        byte[] content = new byte[2];
        using I2cBus missing = new(_folder["dev/i2c-1"]);
        using I2cBus plain = new(_folder.Write("dev/i2c-2", "not a bus"));

        Assert.Equal(Errno.Enoent, missing.Read(0x40, 0, content));
        Assert.Equal(Errno.Enotty, plain.Read(0x40, 0, content));
        Assert.Equal(Errno.Enotty, plain.Write(0x40, 5, content));
    }

    [Theory, InlineData(0), InlineData(33)]
    public void A_block_that_the_kernel_does_not_take_is_a_mistake_of_the_caller(int length)
    {
        using I2cBus bus = new(_folder["dev/i2c-1"]);
        Assert.Throws<ArgumentOutOfRangeException>(() => bus.Read(0x40, 0, new byte[length]));
    }

    [CCompilerFact]
    public void The_kernel_s_own_headers_have_the_same_numbers_and_layout()
    {
        string[] lines = CCompiler.Run(Checkout.File("tests/EdgeFleet.Linux.Tests/I2c/i2c_calls.c"));

        Assert.Equal($"{I2cBus.I2C_SLAVE:x} {I2cBus.I2C_SMBUS:x} {I2cBus.I2C_SMBUS_I2C_BLOCK_DATA} {I2cBus.I2C_SMBUS_WRITE} {I2cBus.I2C_SMBUS_READ} {I2cBus.I2C_SMBUS_BLOCK_MAX}", lines[0]);
        Assert.Equal($"{Marshal.SizeOf<I2cBus.SmbusCall>()} {Offset(nameof(I2cBus.SmbusCall.ReadWrite))} {Offset(nameof(I2cBus.SmbusCall.Command))} {Offset(nameof(I2cBus.SmbusCall.Size))} {Offset(nameof(I2cBus.SmbusCall.Data))} {I2cBus.I2C_SMBUS_BLOCK_MAX + 2}", lines[1]);
        Assert.Equal($"{FirmwareMailbox.IOCTL_MBOX_PROPERTY:x}", lines[2]);
    }

    private static nint Offset(string field) => Marshal.OffsetOf<I2cBus.SmbusCall>(field);
}

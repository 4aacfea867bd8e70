using EdgeFleet.Linux.I2c;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

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
}

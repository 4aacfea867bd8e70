using System.Runtime.InteropServices;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Linux.Tests.Firmware;

public sealed class FirmwareMailboxTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_message_is_the_one_that_vcgencmd_sends()
    {
        uint[] message = new uint[6 + 1024 + 1];
        message.AsSpan().Fill(0xDEADBEEF);

        FirmwareMailbox.Compose(message, "pmic_read_adc"u8);

        Assert.Equal([4124u, 0u, 0x00030080u, 4096u, 0u, 0u], message[..6]);
        Assert.Equal("pmic_read_adc\0"u8, MemoryMarshal.AsBytes(message.AsSpan(6))[..14]);
        Assert.Equal(0u, message[^1]);
        Assert.Throws<ArgumentException>(() => FirmwareMailbox.Compose(message, new byte[4096]));
    }

    [Fact]
    public void Without_the_firmware_there_is_the_kernel_s_reason()
    {
        byte[] answer = new byte[64];
        using FirmwareMailbox missing = new(_folder["dev"]);
        Assert.Equal(Errno.Enoent, missing.Command("get_throttled"u8, answer, out int count));
        Assert.Equal(0, count);

        _folder.Write("dev/vcio", "a file");
        Assert.Equal(Errno.Enotty, missing.Command("get_throttled"u8, answer, out _));
    }
}

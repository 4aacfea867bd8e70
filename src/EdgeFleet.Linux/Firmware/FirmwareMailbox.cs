using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Firmware;

/// <summary>The property mailbox behind <c>/dev/vcio</c>, with the message that <c>vcgencmd</c> (raspberrypi/utils) sends.</summary>
/// <param name="deviceFolder"><c>/dev</c> on a device.</param>
public sealed partial class FirmwareMailbox(string deviceFolder) : IFirmwareMailbox
{
    internal const uint IOCTL_MBOX_PROPERTY = 0xC0086400; // _IOWR(100, 0, char *)
    private const uint GET_GENCMD_RESULT = 0x00030080;
    private const uint Answered = 0x80000000;
    private const int TextBytes = 4096;
    private const int HeaderWords = 6;
    private readonly uint[] _message = new uint[HeaderWords + (TextBytes / sizeof(uint)) + 1];
    private int _descriptor = -1;

    public Errno Command(ReadOnlySpan<byte> command, Span<byte> answer, out int count)
    {
        count = 0;
        Errno error = Open();
        if (error != Errno.None)
        {
            return error;
        }
        Compose(_message, command);
        error = Send();
        if (error != Errno.None)
        {
            return error;
        }
        if (_message[1] != Answered)
        {
            return Errno.Eio;
        }
        ReadOnlySpan<byte> text = Text(_message);
        int end = text.IndexOf((byte)0);
        text = end < 0 ? text : text[..end];
        count = Math.Min(text.Length, answer.Length);
        text[..count].CopyTo(answer);
        return Errno.None;
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = close(_descriptor);
            _descriptor = -1;
        }
    }

    /// <summary>Size of all, request; tag, size of its value, length of the request, code; the value; end tag.</summary>
    internal static void Compose(Span<uint> message, ReadOnlySpan<byte> command)
    {
        if (command.Length >= TextBytes)
        {
            throw new ArgumentException($"the command has {command.Length} bytes, at most {TextBytes - 1} fit", nameof(command));
        }
        message.Clear();
        message[0] = (uint)(message.Length * sizeof(uint));
        message[2] = GET_GENCMD_RESULT;
        message[3] = TextBytes;
        command.CopyTo(Text(message));
    }

    private static Span<byte> Text(Span<uint> message) => MemoryMarshal.AsBytes(message)[(HeaderWords * sizeof(uint))..^sizeof(uint)];

    private Errno Open()
    {
        const int O_RDWR = 2, O_CLOEXEC = 0x80000;
        if (_descriptor >= 0)
        {
            return Errno.None;
        }
        // Newer kernels offer text commands alone under a name that more users may open.
        _descriptor = open(Path.Join(deviceFolder, "vcio_gencmd"), O_RDWR | O_CLOEXEC);
        if (_descriptor < 0)
        {
            _descriptor = open(Path.Join(deviceFolder, "vcio"), O_RDWR | O_CLOEXEC);
        }
        return _descriptor < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
    }

    private unsafe Errno Send()
    {
        fixed (uint* message = _message)
        {
            return ioctl(_descriptor, IOCTL_MBOX_PROPERTY, (nint)message) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, nint argument);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

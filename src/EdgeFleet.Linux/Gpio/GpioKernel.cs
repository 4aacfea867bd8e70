using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Gpio;

/// <summary>The chips of the machine that this runs on.</summary>
public sealed partial class GpioKernel : IGpioKernel
{
    public static GpioKernel Host { get; } = new();

    public int Open(string path, out Errno error)
    {
        const int O_RDWR = 2, O_CLOEXEC = 0x80000;
        int descriptor = open(path, O_RDWR | O_CLOEXEC);
        error = descriptor < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        return descriptor;
    }

    public unsafe Errno Control(int descriptor, uint request, Span<byte> argument)
    {
        fixed (byte* start = argument)
        {
            return ioctl(descriptor, request, start) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        }
    }

    public unsafe Errno Read(int descriptor, Span<byte> buffer, out int count)
    {
        nint got;
        fixed (byte* start = buffer)
        {
            got = read(descriptor, start, (nuint)buffer.Length);
        }
        count = (int)Math.Max(got, 0);
        return got < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
    }

    public unsafe bool WaitReadable(int descriptor, TimeSpan limit, CancellationToken cancellationToken)
    {
        const short POLLIN = 1;
        const int EFD_CLOEXEC = 0x80000;
        cancellationToken.ThrowIfCancellationRequested();
        // A thread that sleeps in poll is woken by a second descriptor: no looking around several times a second.
        int wake = eventfd(0, EFD_CLOEXEC);
        if (wake < 0)
        {
            throw Failed("eventfd");
        }
        try
        {
            using CancellationTokenRegistration cancelled = cancellationToken.Register(() =>
            {
                ulong one = 1;
                _ = write(wake, (byte*)&one, sizeof(ulong));
            });
            PollDescriptor* both = stackalloc PollDescriptor[2];
            both[0] = new PollDescriptor { Descriptor = descriptor, Events = POLLIN };
            both[1] = new PollDescriptor { Descriptor = wake, Events = POLLIN };
            long begun = Environment.TickCount64;
            while (true)
            {
                int left = limit == Timeout.InfiniteTimeSpan ? -1 : (int)Math.Clamp(Math.Ceiling(limit.TotalMilliseconds) - (Environment.TickCount64 - begun), 0, int.MaxValue);
                int ready = poll(both, 2, left);
                if (ready < 0 && (Errno)Marshal.GetLastPInvokeError() != Errno.Eintr)
                {
                    throw Failed("poll");
                }
                cancellationToken.ThrowIfCancellationRequested();
                if (ready > 0 && both[0].Returned != 0)
                {
                    return true;
                }
                if (ready == 0 && left >= 0)
                {
                    return false;
                }
            }
        }
        finally
        {
            _ = close(wake);
        }
    }

    public int Share(int descriptor, out Errno error)
    {
        // Without O_CLOEXEC: what dup makes is inherited.
        int shared = dup(descriptor);
        error = shared < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        return shared;
    }

    public void Close(int descriptor) => _ = close(descriptor);

    private static IOException Failed(string call)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {((Errno)error).Describe()}", error);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int ioctl(int descriptor, nuint request, byte* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static unsafe partial nint write(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int poll(PollDescriptor* descriptors, nuint count, int timeoutMs);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

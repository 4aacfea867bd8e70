using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>The kernel that this runs on. libc has no function for the call, so its number is given.</summary>
public sealed partial class PerfKernel : IPerfKernel
{
    public static PerfKernel Host { get; } = new();

    public unsafe int Open(ReadOnlySpan<byte> attributes, int threadId, out Errno error)
    {
        const nuint PERF_FLAG_FD_CLOEXEC = 8;
        const int anyProcessor = -1, noGroup = -1;
        // arch/x86/entry/syscalls/syscall_64.tbl; asm-generic/unistd.h.
        int number = RuntimeInformation.ProcessArchitecture switch { Architecture.X64 => 298, Architecture.Arm64 => 241, _ => 0 };
        if (number == 0)
        {
            error = Errno.Enosys;
            return -1;
        }
        nint descriptor;
        fixed (byte* start = attributes)
        {
            descriptor = syscall(number, start, threadId, anyProcessor, noGroup, PERF_FLAG_FD_CLOEXEC);
        }
        error = descriptor < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;
        return (int)descriptor;
    }

    public Errno Control(int descriptor, PerfRequest request) =>
        ioctl(descriptor, (nuint)request, 0) < 0 ? (Errno)Marshal.GetLastPInvokeError() : Errno.None;

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

    public void Close(int descriptor) => _ = close(descriptor);

    // Variadic in C; on x64 and arm64 Linux integers of a variadic call travel as those of any other.
    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint syscall(nint number, byte* attributes, nint thread, nint processor, nint group, nuint flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, nuint argument);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}

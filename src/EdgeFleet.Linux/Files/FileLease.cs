using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeFleet.Linux.Files;

/// <summary>
/// An exclusive right shared by processes of one machine, held by a lock on a file. The kernel gives it back when the
/// holder dies, however it dies.
/// </summary>
public sealed partial class FileLease : IDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(100);
    private readonly SafeFileHandle _handle;

    private FileLease(SafeFileHandle handle) => _handle = handle;

    /// <summary>The lease, or null while another process (or another part of this one) holds it.</summary>
    public static FileLease? TryAcquire(string path)
    {
        const int LOCK_EX = 2;
        const int LOCK_NB = 4;
        const int EWOULDBLOCK = 11;
        const int EINTR = 4;
        const int O_RDWR_CREAT_CLOEXEC = 0x80042;
        const int ReadableByAll = 0x1B6;
        // Not File.OpenHandle: it takes a shared lock of its own whatever share it is given, and meets ours.
        int descriptor = open(path, O_RDWR_CREAT_CLOEXEC, ReadableByAll);
        int error = Marshal.GetLastPInvokeError();
        if (descriptor < 0)
        {
            throw new IOException($"open '{path}': {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
        }
        SafeFileHandle handle = new(descriptor, ownsHandle: true);
        do
        {
            if (flock(handle, LOCK_EX | LOCK_NB) == 0)
            {
                return new FileLease(handle);
            }
            error = Marshal.GetLastPInvokeError();
        }
        while (error == EINTR);
        handle.Dispose();
        return error == EWOULDBLOCK
            ? null
            : throw new IOException($"flock '{path}': {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
    }

    /// <summary>Waits for the lease; <paramref name="waiting"/> is called once when it has to.</summary>
    public static async Task<FileLease> AcquireAsync(string path, TimeProvider time, Action? waiting, CancellationToken cancellationToken)
    {
        bool told = false;
        while (true)
        {
            if (TryAcquire(path) is { } lease)
            {
                return lease;
            }
            if (!told)
            {
                told = true;
                waiting?.Invoke();
            }
            // The kernel has no waiting flock that can be cancelled; a tenth of a second is nothing beside a benchmark.
            await Task.Delay(s_retry, time, cancellationToken).ConfigureAwait(false);
        }
    }

    public void Dispose() => _handle.Dispose();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle descriptor, int operation);
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EdgeFleet.Linux.Processes;

/// <summary>A worker's standard output, kept for its results alone.</summary>
public static partial class ResultPipe
{
    /// <summary>
    /// Moves standard output to a descriptor of its own and sends what anybody else prints there to standard error: native
    /// libraries print what they like, and a line of theirs must not be taken for a result.
    /// </summary>
    public static FileStream Take()
    {
        const int STDOUT_FILENO = 1, STDERR_FILENO = 2, F_DUPFD_CLOEXEC = 1030, FirstFree = 3;
        int results = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, FirstFree);
        if (results < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new IOException($"standard output cannot be kept for results: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
        }
        return new FileStream(new SafeFileHandle(results, ownsHandle: true), FileAccess.Write, bufferSize: 0);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int descriptor, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);
}

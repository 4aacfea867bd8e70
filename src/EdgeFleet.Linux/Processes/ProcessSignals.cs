using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.Processes;

/// <summary>Signals by their numbers on every architecture that Linux runs on.</summary>
public enum ProcessSignal
{
    /// <summary>For a daemon: read your settings again.</summary>
    HangUp = 1,

    /// <summary>Save and end.</summary>
    Terminate = 15,
}

/// <summary>Sends what the framework cannot: it knows only the signal that kills.</summary>
public static partial class ProcessSignals
{
    /// <summary>False: there is no such process (any more).</summary>
    /// <exception cref="IOException">The kernel refuses, for example because the process is someone else's.</exception>
    public static bool TrySend(int processId, ProcessSignal signal)
    {
        const int ESRCH = 3;
        // Zero and below name groups of processes, and minus one everything that we may reach.
        ArgumentOutOfRangeException.ThrowIfLessThan(processId, 1);
        if (kill(processId, (int)signal) == 0)
        {
            return true;
        }
        int error = Marshal.GetLastPInvokeError();
        return error == ESRCH
            ? false
            : throw new IOException($"signal {signal} to process {processId}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int sig);
}

using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Processes;

/// <summary>
/// How long a thread ran and how long it was ready but had to wait, in nanoseconds (<c>/proc/PID/task/TID/schedstat</c>,
/// Documentation/scheduler/sched-stats.rst). The wait is what others took. Of one thread and not of the process: a runtime's
/// own threads that share its processor wait for the thread that computes, which disturbs nobody.
/// </summary>
public readonly record struct ProcessorShare(long RunNanos, long WaitNanos)
{
    /// <summary>Of the calling thread; null where the kernel keeps no such account.</summary>
    public static ProcessorShare? ReadThread()
    {
        string[] fields = KernelFiles.Host.Read("/proc/thread-self/schedstat").Text?.Split(' ') ?? [];
        return fields.Length >= 2
            && long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out long ran)
            && long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out long waited)
            ? new ProcessorShare(ran, waited)
            : null;
    }

    public static ProcessorShare operator -(ProcessorShare after, ProcessorShare before) => new(after.RunNanos - before.RunNanos, after.WaitNanos - before.WaitNanos);
}

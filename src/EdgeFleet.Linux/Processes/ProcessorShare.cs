using System.Globalization;
using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Processes;

/// <summary>
/// How long this process's threads ran and how long they were ready but had to wait, in nanoseconds
/// (<c>/proc/PID/task/TID/schedstat</c>, Documentation/scheduler/sched-stats.rst). The wait is what others took.
/// </summary>
public readonly record struct ProcessorShare(long RunNanos, long WaitNanos)
{
    /// <summary>Null where the kernel keeps no such account.</summary>
    public static ProcessorShare? ReadSelf()
    {
        long run = 0, wait = 0;
        bool any = false;
        foreach (string task in KernelFiles.Host.List("/proc/self/task"))
        {
            string[] fields = KernelFiles.Host.Read($"/proc/self/task/{task}/schedstat").Text?.Split(' ') ?? [];
            if (fields.Length >= 2
                && long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out long ran)
                && long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out long waited))
            {
                any = true;
                run += ran;
                wait += waited;
            }
        }
        return any ? new ProcessorShare(run, wait) : null;
    }

    public static ProcessorShare operator -(ProcessorShare after, ProcessorShare before) => new(after.RunNanos - before.RunNanos, after.WaitNanos - before.WaitNanos);
}

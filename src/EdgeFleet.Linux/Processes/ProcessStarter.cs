using System.Collections.Concurrent;
using System.Diagnostics;

namespace EdgeFleet.Linux.Processes;

/// <summary>
/// Starts every worker from one thread that lives as long as the process. The kernel's "die with your parent" means the
/// thread that forked: started from the thread pool, a worker would be killed when that pool thread retires.
/// </summary>
internal static class ProcessStarter
{
    private static readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> s_requests = [];
    private static readonly Thread s_thread = StartThread();

    public static Task<Process> StartAsync(ProcessStartInfo info)
    {
        TaskCompletionSource<Process> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        s_requests.Add((info, started));
        Debug.Assert(s_thread.IsAlive);
        return started.Task;
    }

    private static Thread StartThread()
    {
        Thread thread = new(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "worker starter" };
        thread.Start();
        return thread;
    }

    private static void Run()
    {
        foreach ((ProcessStartInfo info, TaskCompletionSource<Process> started) in s_requests.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info) ?? throw new InvalidOperationException($"'{info.FileName}' did not start."));
            }
            catch (Exception ex) when (ex is System.ComponentModel.Win32Exception or InvalidOperationException or IOException)
            {
                started.SetException(ex);
            }
        }
    }
}

using System.Runtime.InteropServices;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>Runs work on a thread of its own that stays on one processor. Unpinned, a round trip measures the scheduler.</summary>
internal static partial class PinnedThread
{
    /// <summary>The last processor that this process may use: the first ones answer most interrupts.</summary>
    public static unsafe int LastAllowed()
    {
        ulong* mask = stackalloc ulong[Words];
        Require(sched_getaffinity(0, Words * sizeof(ulong), mask), "sched_getaffinity");
        for (int cpu = (Words * 64) - 1; cpu >= 0; cpu--)
        {
            if ((mask[cpu / 64] & (1UL << (cpu % 64))) != 0)
            {
                return cpu;
            }
        }
        throw new InvalidOperationException("no processor is allowed");
    }

    public static async Task<T> RunAsync<T>(int cpu, Func<T> work)
    {
        TaskCompletionSource<T> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Thread thread = new(() =>
        {
            try
            {
                Pin(cpu);
                result.SetResult(work());
            }
            catch (Exception ex) when (ex is IOException or InvalidOperationException or System.Net.Sockets.SocketException)
            {
                result.SetException(ex);
            }
        });
        thread.Start();
        return await result.Task;
    }

    private const int Words = 16;

    private static unsafe void Pin(int cpu)
    {
        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        mask[cpu / 64] = 1UL << (cpu % 64);
        Require(sched_setaffinity(0, Words * sizeof(ulong), mask), "sched_setaffinity");
    }

    private static void Require(int result, string call)
    {
        if (result < 0)
        {
            throw new InvalidOperationException($"{call}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int sched_getaffinity(int thread, nuint size, ulong* mask);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int sched_setaffinity(int thread, nuint size, ulong* mask);
}

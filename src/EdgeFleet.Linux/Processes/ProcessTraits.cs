using System.Globalization;
using System.Runtime.InteropServices;

namespace EdgeFleet.Linux.Processes;

/// <summary>What a worker process sets on itself before it touches a model.</summary>
public static partial class ProcessTraits
{
    /// <summary>Set by <see cref="ChildProcess"/>: the process that a worker belongs to.</summary>
    public const string ParentVariable = "EDGEFLEET_PARENT_PID";

    /// <summary>
    /// The kernel kills this process when its parent ends, however that ends. Does nothing for a worker that was started by
    /// hand. Says false when the parent is gone already: the worker should end.
    /// </summary>
    public static bool DieWithParent() =>
        !int.TryParse(Environment.GetEnvironmentVariable(ParentVariable), NumberStyles.None, CultureInfo.InvariantCulture, out int parent)
        || DieWithParent(parent);

    /// <inheritdoc cref="DieWithParent()"/>
    public static bool DieWithParent(int parentPid)
    {
        const int PR_SET_PDEATHSIG = 1;
        const int SIGKILL = 9;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
        {
            throw Failed("prctl PR_SET_PDEATHSIG");
        }
        // The parent may have died before the call.
        return getppid() == parentPid;
    }

    /// <summary>
    /// For work that nobody waits for: the lowest nice value (a 68th of a normal thread's share), and before any other worker to
    /// go when memory runs out. Not the kernel's idle class: where all processors are busy that gets a 340th, in which a model does
    /// not even load, and a comparison that never runs is no evidence either.
    /// </summary>
    public static void YieldToAll() => LowerPriority(nice: 19, oomScoreAdjustment: 900);

    /// <summary>Serving comes first: a low share of the processor, and an early victim when memory runs out.</summary>
    public static void LowerPriority() => LowerPriority(nice: 10, oomScoreAdjustment: 800);

    private static void LowerPriority(int nice, int oomScoreAdjustment)
    {
        const int PRIO_PROCESS = 0;
        const int ESRCH = 3;
        // On Linux a nice value belongs to a thread, and the runtime has some already. New ones inherit it, so one more
        // round catches those that were made by a thread that had not been reached yet.
        HashSet<int> seen = [];
        bool found;
        do
        {
            found = false;
            foreach (string task in Directory.EnumerateDirectories("/proc/self/task"))
            {
                int thread = int.Parse(Path.GetFileName(task), NumberStyles.None, CultureInfo.InvariantCulture);
                if (seen.Add(thread))
                {
                    found = true;
                    if (setpriority(PRIO_PROCESS, thread, nice) != 0 && Marshal.GetLastPInvokeError() != ESRCH)
                    {
                        throw Failed("setpriority");
                    }
                }
            }
        }
        while (found);
        PreferAsVictim(oomScoreAdjustment);
    }

    /// <summary>The first to go when memory runs out: 1000 before all others. Raising it is always allowed.</summary>
    public static void PreferAsVictim(int oomScoreAdjustment) =>
        File.WriteAllText("/proc/self/oom_score_adj", oomScoreAdjustment.ToString(CultureInfo.InvariantCulture));

    private static IOException Failed(string call)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"{call}: {Marshal.GetPInvokeErrorMessage(error)} (errno {error})", error);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    [LibraryImport("libc")]
    private static partial int getppid();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setpriority(int which, int who, int value);
}

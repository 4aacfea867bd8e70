using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>The kernel's refusals to count, in words that say what to do.</summary>
internal static class PerfRefusal
{
    private const string Paranoid = "/proc/sys/kernel/perf_event_paranoid";

    public static string Describe(PerfEvent item, Errno error, ISystemFiles files) => error switch
    {
        Errno.Eacces => $"{item.Name}: {error.Describe()}; {Paranoid} is {files.Read(Paranoid).Text ?? "not readable"}. "
            + "Set it with 'sysctl kernel.perf_event_paranoid=2', or give the program CAP_PERFMON",
        Errno.Eperm => $"{item.Name}: {error.Describe()}; a container's seccomp filter or a security module forbids perf_event_open. "
            + "With Docker: --security-opt seccomp=FILE with a profile that allows it, or --cap-add PERFMON",
        Errno.Enoent or Errno.Eopnotsupp or Errno.Enodev or Errno.Enxio =>
            $"{item.Name}: {error.Describe()}; {(HasCorePmu(files) ? "this processor does not count it" : "there is no performance unit here, as in most virtual machines")}",
        Errno.Enosys => $"{item.Name}: {error.Describe()}; the kernel was built without perf events, or this architecture is none of ours",
        Errno.Emfile => $"{item.Name}: {error.Describe()}; the process has no descriptor left",
        _ => $"{item.Name}: {error.Describe()}",
    };

    /// <summary><c>cpu</c> on x86 (<c>cpu_core</c>, <c>cpu_atom</c> where there are two kinds), <c>armv8_…</c> on Arm.</summary>
    private static bool HasCorePmu(ISystemFiles files) => CorePmu.ReadAll(files).Count > 0;
}

using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>A performance unit of processor cores. Where there are two kinds of cores each has its own.</summary>
/// <param name="Name">For example <c>armv8_cortex_a78</c>.</param>
/// <param name="Type">Its number, for events that are meant for it.</param>
/// <param name="Cpus">Its cores, as the kernel lists them (<c>0-3</c>); null: all.</param>
public sealed record CorePmu(string Name, PerfType Type, string? Cpus)
{
    private const string Folder = "/sys/bus/event_source/devices";

    /// <summary>None: a virtual machine without one, or a kernel without perf. More than one: pin the program to the cores of one.</summary>
    public static IReadOnlyList<CorePmu> ReadAll(ISystemFiles files) =>
    [
        .. files.List(Folder)
            .Where(name => name is "cpu" or "cpu_core" or "cpu_atom" || name.StartsWith("armv8", StringComparison.Ordinal) || name.StartsWith("armv9", StringComparison.Ordinal))
            .Select(name => (name, type: files.Read($"{Folder}/{name}/type").Text))
            .Where(pmu => uint.TryParse(pmu.type, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(pmu => new CorePmu(pmu.name, (PerfType)uint.Parse(pmu.type!, NumberStyles.None, CultureInfo.InvariantCulture), files.Read($"{Folder}/{pmu.name}/cpus").Text)),
    ];
}

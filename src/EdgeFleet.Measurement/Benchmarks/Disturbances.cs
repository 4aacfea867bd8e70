using System.Globalization;
using EdgeFleet.Linux;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Causes for which a block does not count, whatever it measured: pages came from disk, or the collector ran.
/// Never the value itself: dropping slow blocks would make every model fast.
/// </summary>
internal readonly record struct Disturbances(long MajorFaults, int Collections)
{
    public static Disturbances Read()
    {
        // Collections first: the text of the file is garbage of ours.
        int collections = GC.CollectionCount(0);
        return new Disturbances(ReadMajorFaults(), collections);
    }

    private static long ReadMajorFaults()
    {
        // proc(5): the name may hold spaces and brackets; fields are counted after the last one. majflt is field 12.
        string? stat = SystemRoot.Host.ReadText("/proc/self/stat");
        string[] fields = stat is null ? [] : stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 9 && long.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out long faults) ? faults : 0;
    }
}

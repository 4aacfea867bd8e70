using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>Processor time since the start of the device, in the kernel's ticks, and how much of it was of our own processes.</summary>
/// <param name="Busy">Not idle, over all cores, with what a hypervisor stole.</param>
/// <param name="Total">Busy and idle.</param>
/// <param name="Own">User and system time of our processes.</param>
public readonly record struct ProcessorUse(long Busy, long Total, long Own)
{
    /// <param name="files">Where /proc is.</param>
    /// <param name="own">Our processes. One that is gone counts with the others from then on.</param>
    /// <param name="why">Null where there is an answer.</param>
    public static ProcessorUse? Read(ISystemFiles files, IReadOnlyCollection<int> own, out string? why)
    {
        const string path = "/proc/stat";
        FileText text = files.Read(path);
        if (text.Text is null)
        {
            why = $"{path}: {text.Error.Describe()}";
            return null;
        }
        // proc(5): cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user and nice already.
        string[] words = text.Text.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long[] ticks = [.. words.Skip(1).Take(8).Select(word => long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : -1)];
        if (words is not ["cpu", ..] || ticks.Length < 7 || ticks.Contains(-1))
        {
            why = $"{path} begins with no line of all processors";
            return null;
        }
        long total = ticks.Sum();
        why = null;
        return new ProcessorUse(total - ticks[3] - ticks[4], total, own.Sum(process => OwnTicks(files, process)));
    }

    /// <summary>The share of one core that processes other than ours had between two looks, as a mean over all cores: 0 to 1.</summary>
    public static Reading OthersPerCore(ProcessorUse begin, ProcessorUse end)
    {
        long total = end.Total - begin.Total;
        if (total <= 0)
        {
            return Reading.Absent("/proc/stat did not move between two looks");
        }
        // Ours is counted at other moments than the whole, so a tick may be missing; less than nothing is nothing.
        double others = Math.Max(0, end.Busy - begin.Busy - Math.Max(0, end.Own - begin.Own));
        return Reading.Measured(others / total, "share of a core", "/proc/stat less our own processes");
    }

    private static long OwnTicks(ISystemFiles files, int process)
    {
        // proc(5): fields 14 and 15; after the name's last bracket comes the third.
        string? text = files.Read($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat").Text;
        string[] fields = text is null ? [] : text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 12 && long.TryParse(fields[11], NumberStyles.None, CultureInfo.InvariantCulture, out long user)
            && long.TryParse(fields[12], NumberStyles.None, CultureInfo.InvariantCulture, out long system) ? user + system : 0;
    }
}

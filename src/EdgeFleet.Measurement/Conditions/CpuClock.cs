using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>The clock of one processor core; kHz, null where the kernel does not say.</summary>
/// <param name="Cpu">Its number.</param>
/// <param name="Requested">What the governor asked for: <c>scaling_cur_freq</c>, the lower of two looks around that at <paramref name="Actual"/>.</param>
/// <param name="Actual">What the hardware does: <c>cpuinfo_cur_freq</c>, root only.</param>
/// <param name="Governor">For example <c>performance</c>.</param>
/// <param name="Minimum">The lowest that the governor may choose.</param>
/// <param name="Maximum">The highest that the governor may choose.</param>
/// <param name="HardwareMaximum">The highest of the hardware.</param>
public sealed record CpuClock(int Cpu, long? Requested, long? Actual, string? Governor, long? Minimum, long? Maximum, long? HardwareMaximum)
{
    private const string Folder = "/sys/devices/system/cpu";
    /// <summary>Two clocks that differ by more than this are two clocks: a Thor once asked for 2601 MHz and ran at 649.</summary>
    private const double Apart = 0.05;

    /// <summary>The hardware is slower than it was asked to be.</summary>
    public bool IsHeldBack => Requested is { } requested && Actual is { } actual && actual < requested * (1 - Apart);

    public static IReadOnlyList<CpuClock> ReadAll(ISystemFiles files) =>
    [
        .. files.List(Folder)
            .Select(name => name.StartsWith("cpu", StringComparison.Ordinal) && int.TryParse(name.AsSpan(3), NumberStyles.None, CultureInfo.InvariantCulture, out int cpu) ? cpu : -1)
            .Where(cpu => cpu >= 0 && files.Exists($"{Folder}/cpu{cpu}/cpufreq"))
            .Order()
            .Select(cpu => Read(files, cpu)),
    ];

    /// <summary>What the governor asks of one core for at this moment, kHz: one small file. Null where the kernel does not say.</summary>
    public static long? Now(ISystemFiles files, int cpu) => files.Number($"{Folder}/cpu{cpu}/cpufreq/scaling_cur_freq") is { } kiloHertz and > 0 ? kiloHertz : null;

    private static CpuClock Read(ISystemFiles files, int cpu)
    {
        string folder = $"{Folder}/cpu{cpu}/cpufreq";
        // A governor that lowers the clock between two reads holds nothing back, and at the end of a window it does.
        long? before = Positive("scaling_cur_freq"), actual = Positive("cpuinfo_cur_freq"), after = Positive("scaling_cur_freq");
        return new CpuClock(
            cpu, before is { } first && after is { } last ? Math.Min(first, last) : null, actual, files.Text($"{folder}/scaling_governor"),
            Positive("scaling_min_freq"), Positive("scaling_max_freq"), Positive("cpuinfo_max_freq"));

        // A core that is off line says 0, or "<unknown>".
        long? Positive(string name) => files.Number($"{folder}/{name}") is { } value and > 0 ? value : null;
    }
}

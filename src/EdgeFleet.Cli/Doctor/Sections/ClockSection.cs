using System.Globalization;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>Clocks of processors, GPU and memory: what governs them, and whether they can be told.</summary>
internal static class ClockSection
{
    public const string Area = "clocks";
    private const string MemoryClock = "/sys/kernel/debug/bpmp/debug/clk/emc/rate";

    public static IEnumerable<Finding> Look(Device device)
    {
        DeviceSnapshot snapshot = DeviceSnapshot.Take(device.Files, TimeProvider.System);
        if (snapshot.Cpus.Count == 0)
        {
            yield return new Finding(Area, "processors", FindingState.Absent, "no cpufreq below /sys/devices/system/cpu", "in a virtual machine the host governs the clock; ratios within blocks still hold");
        }
        foreach (IGrouping<(string?, long?, long?), CpuClock> group in snapshot.Cpus.GroupBy(clock => (clock.Governor, clock.Minimum, clock.Maximum)))
        {
            yield return Processors([.. group]);
        }
        foreach (GpuClock gpu in snapshot.Gpus)
        {
            bool isFixed = gpu.Minimum is not null && gpu.Minimum == gpu.Maximum;
            yield return new Finding(Area, gpu.Name, gpu.Current is null ? FindingState.Limited : FindingState.Found,
                $"{MegaHertz(gpu.Current / 1000)} of {MegaHertz(gpu.Minimum / 1000)} to {MegaHertz(gpu.Maximum / 1000)}, governor {gpu.Governor ?? "not told"}",
                isFixed ? null : "the clock moves with the load; 'sudo jetson_clocks' holds it while you measure");
        }
        if (snapshot.MemoryClockHertz is { } memory)
        {
            yield return new Finding(Area, "memory", FindingState.Found, MegaHertz(memory / 1000));
        }
        else if (BoardSection.IsJetson(device.Files))
        {
            Errno error = device.Files.Read(MemoryClock).Error;
            yield return new Finding(Area, "memory", FindingState.Absent, $"{MemoryClock}: {error.Describe()}", error == Errno.Eacces ? "root sees the memory clock" : null);
        }
    }

    private static Finding Processors(IReadOnlyList<CpuClock> cpus)
    {
        CpuClock first = cpus[0];
        string which = cpus.Count == 1 ? $"cpu{first.Cpu}" : $"cpu{first.Cpu} to cpu{cpus[^1].Cpu}";
        string actual = first.Actual is null ? "; the hardware's own clock is not told" : cpus.Any(clock => clock.IsHeldBack) ? "; the hardware runs slower than it is asked to" : "";
        bool isSteady = first.Governor == "performance" || (first.Minimum is not null && first.Minimum == first.Maximum);
        string[] advice =
        [
            .. isSteady ? Array.Empty<string>() : ["'edgefleet bench --governor performance' (root) holds the clock up while it measures and puts the governor back"],
            .. first.Actual is null ? ["as root the hardware's own clock may be told too"] : Array.Empty<string>(),
        ];
        return new Finding(Area, which, isSteady && first.Requested is not null ? FindingState.Found : FindingState.Limited,
            $"governor {first.Governor ?? "not told"}, {MegaHertz(first.Minimum)} to {MegaHertz(first.Maximum)}, asked for {MegaHertz(first.Requested)}{actual}",
            advice.Length == 0 ? null : string.Join("; ", advice));
    }

    private static string MegaHertz(long? kiloHertz) => kiloHertz is { } value ? (value / 1000.0).ToString("0 MHz", CultureInfo.InvariantCulture) : "not told";
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>What can be said of energy. No meter is read yet, so the reading is absent and says what the device would have.</summary>
internal static class EnergyReading
{
    public static Reading Of(SystemRoot root)
    {
        string powercap = root.Resolve("/sys/class/powercap");
        bool counter = Directory.Exists(powercap) && Directory.EnumerateDirectories(powercap).Any(domain => File.Exists(Path.Join(domain, "energy_uj")));
        return Reading.Absent(counter
            ? "an energy counter exists below /sys/class/powercap, which this benchmark does not read"
            : "no energy counter: nothing below /sys/class/powercap has an energy_uj");
    }
}

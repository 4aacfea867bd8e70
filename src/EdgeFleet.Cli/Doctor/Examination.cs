using EdgeFleet.Cli.Doctor.Sections;
using EdgeFleet.Measurement.Meters;

namespace EdgeFleet.Cli.Doctor;

/// <summary>Everything that the doctor looks for, in the order in which a person wants to read it.</summary>
internal static class Examination
{
    /// <param name="device">Whose.</param>
    /// <param name="meters">A meter that somebody wired in; null for none.</param>
    public static IReadOnlyList<Finding> Of(Device device, EnergyMeterOptions? meters = null) =>
    [
        .. BoardSection.Look(device),
        .. EnergySection.Look(device, meters),
        .. ThrottlingSection.Look(device),
        .. TemperatureSection.Look(device),
        .. ClockSection.Look(device),
        .. CounterSection.Look(device),
        .. MemorySection.Look(device),
        .. GpioSection.Look(device),
        .. RuntimeSection.Look(device),
    ];
}

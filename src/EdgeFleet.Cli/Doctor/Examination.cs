using EdgeFleet.Cli.Doctor.Sections;

namespace EdgeFleet.Cli.Doctor;

/// <summary>Everything that the doctor looks for, in the order in which a person wants to read it.</summary>
internal static class Examination
{
    public static IReadOnlyList<Finding> Of(Device device) =>
    [
        .. BoardSection.Look(device),
        .. EnergySection.Look(device),
        .. ThrottlingSection.Look(device),
        .. TemperatureSection.Look(device),
        .. ClockSection.Look(device),
        .. CounterSection.Look(device),
        .. MemorySection.Look(device),
        .. GpioSection.Look(device),
        .. RuntimeSection.Look(device),
    ];
}

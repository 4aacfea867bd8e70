using System.Globalization;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Cli.Doctor.Sections;

internal static class TemperatureSection
{
    public const string Area = "temperature";
    /// <summary>What the benchmark's gate asks for.</summary>
    private static readonly long s_near = new GateLimits().TripDistanceMilliCelsius;

    public static IEnumerable<Finding> Look(Device device)
    {
        IReadOnlyList<ThermalZone> zones = ThermalZone.ReadAll(device.Files);
        if (zones.Count == 0)
        {
            return [new Finding(Area, "zones", FindingState.Absent, "no thermal zone below /sys/class/thermal", "in a virtual machine there is none; a cool-down is then waited by time alone")];
        }
        return zones.Select(Of);
    }

    private static Finding Of(ThermalZone zone)
    {
        if (zone.MilliCelsius is not { } value)
        {
            return new Finding(Area, zone.Name, FindingState.Absent, zone.Reason ?? "it does not answer");
        }
        string trip = zone.TripMilliCelsius is { } at ? $", slows the device from {Celsius(at)}" : ", names no temperature from which it slows the device";
        return zone.DistanceMilliCelsius < s_near
            ? new Finding(Area, zone.Name, FindingState.Limited, Celsius(value) + trip, $"let it cool: a benchmark waits until every zone is {Celsius(s_near)} below")
            : new Finding(Area, zone.Name, FindingState.Found, Celsius(value) + trip);
    }

    private static string Celsius(long milli) => (milli / 1000.0).ToString("0.0 °C", CultureInfo.InvariantCulture);
}

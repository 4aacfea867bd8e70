using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Battery;

/// <summary>
/// The batteries that power the device itself. A mouse's is none of them, and neither are USB-C ports (ucsi-source-psy-…),
/// which show what was negotiated and measure nothing.
/// </summary>
internal static class BatteryMeters
{
    private const string Root = "/sys/class/power_supply";

    public static IEnumerable<(MeterFinding Finding, IEnergyMeter? Meter)> Find(ISystemFiles files, TimeProvider time)
    {
        bool any = false;
        foreach (string name in files.List(Root))
        {
            string folder = $"{Root}/{name}";
            if (files.Read($"{folder}/type").Text != "Battery" || files.Read($"{folder}/scope").Text == "Device")
            {
                continue;
            }
            any = true;
            BatteryMeter meter = new(files, time, folder);
            string? problem = meter.HasGauge ? meter.Read().AbsentReason : $"{folder}: shows a level but neither power, current, energy nor charge with voltage";
            if (problem is null)
            {
                yield return (new MeterFinding(meter.Identity.Source, meter.Identity), meter);
                continue;
            }
            string source = meter.HasGauge ? meter.Identity.Source : $"battery {name}";
            meter.Dispose();
            yield return (new MeterFinding(source, null, problem, meter.HasGauge ? "unplug the charger to measure by the battery, and use windows of a minute and more" : null), null);
        }
        if (!any)
        {
            yield return (new MeterFinding("battery", null, $"none below {Root} that powers this device"), null);
        }
    }
}

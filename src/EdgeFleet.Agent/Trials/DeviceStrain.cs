using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Whether the device has something to spare for a comparison. What it cannot read is no reason to rest: the served model is
/// still watched. Each limit has another one a little away from it, so that a shadow does not start and stop with its own heat.
/// </summary>
internal sealed class DeviceStrain(ISystemFiles files)
{
    /// <summary>Below the temperature from which the kernel slows the device.</summary>
    private const long WarmMilliCelsius = 5000;
    private const long CoolMilliCelsius = 8000;
    /// <summary>Of the memory that can be had, as a share of all.</summary>
    internal const double ScarceMemory = 0.15;
    private const double EnoughMemory = 0.20;
    private const long LowBatteryPercent = 30;
    private const long EnoughBatteryPercent = 35;

    private bool _heat;
    private bool _memory;
    private bool _battery;

    /// <summary>Looks at the device and says why the shadow has to rest now, one of <see cref="DropReasons"/>; null: it may run.</summary>
    public string? Read()
    {
        _heat = IsWarm(_heat);
        _memory = IsShort(_memory);
        _battery = IsLow(_battery);
        return _heat ? DropReasons.Heat : _memory ? DropReasons.Memory : _battery ? DropReasons.Battery : null;
    }

    private bool IsWarm(bool resting) =>
        ThermalZone.ReadAll(files).Min(zone => zone.DistanceMilliCelsius) is { } nearest && nearest < (resting ? CoolMilliCelsius : WarmMilliCelsius);

    private bool IsShort(bool resting)
    {
        DeviceMemory memory = DeviceMemory.Read(files);
        return memory.Available.Value is { } available && memory.Total.Value is { } total && total > 0
            && available < total * (resting ? EnoughMemory : ScarceMemory);
    }

    private bool IsLow(bool resting) =>
        Battery.ReadAll(files).Any(battery => battery.IsDischarging && battery.Percent < (resting ? EnoughBatteryPercent : LowBatteryPercent));
}

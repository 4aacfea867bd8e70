namespace EdgeFleet.Measurement.Conditions;

/// <summary>What a device has to be like before it is measured. Defaults are those of the protocol.</summary>
public sealed record GateLimits
{
    /// <summary>Below this, and discharging, nothing is measured.</summary>
    public int BatteryPercent { get; init; } = 30;
    /// <summary>How far below its passive trip each zone has to be, m°C.</summary>
    public long TripDistanceMilliCelsius { get; init; } = 10_000;
    /// <summary>The share of a core that others may have, as a mean over all cores. Null: not judged, as where the device goes on serving.</summary>
    public double? OthersPerCore { get; init; } = 0.2;
    /// <summary>What the models take on top of what is resident, without the margin of <see cref="Memory.Headroom"/>. 0: not judged.</summary>
    public long NeededMemoryBytes { get; init; }
    /// <summary>0: not judged.</summary>
    public long NeededDiskBytes { get; init; }
    /// <summary>The hottest zone may be this much above its idle reading, m°C.</summary>
    public long CooledWithinMilliCelsius { get; init; } = 3_000;
    /// <summary>After this a device that does not cool down is measured as warm as it is.</summary>
    public TimeSpan CoolDownCap { get; init; } = TimeSpan.FromSeconds(120);
}

using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>
/// What a device says of its clocks, temperatures and brakes at one moment. Taken at the edges of a window and never inside
/// it: some of these files ask another processor and take milliseconds.
/// </summary>
public sealed record DeviceSnapshot
{
    /// <summary>When it was taken, in ticks of the <see cref="TimeProvider"/> that it was taken with.</summary>
    public required long Timestamp { get; init; }
    /// <summary>Everything that counts or shows being slowed down.</summary>
    public required IReadOnlyList<ThrottleSign> Signs { get; init; }
    public required IReadOnlyList<ThermalZone> Zones { get; init; }
    public required IReadOnlyList<CpuClock> Cpus { get; init; }
    /// <summary>GPUs and other devfreq devices that are one.</summary>
    public required IReadOnlyList<GpuClock> Gpus { get; init; }
    /// <summary>A Jetson's memory clock, Hz; root only.</summary>
    public long? MemoryClockHertz { get; init; }
    /// <summary>Null: not a Jetson, or its mode is not told.</summary>
    public PowerMode? PowerMode { get; init; }

    /// <param name="files">Where /sys, /proc, /var and /etc are.</param>
    /// <param name="time">Of the time stamp.</param>
    /// <param name="firmware">A Raspberry Pi's; null, and on other boards, the files say all there is.</param>
    public static DeviceSnapshot Take(ISystemFiles files, TimeProvider time, IFirmwareMailbox? firmware = null) => new()
    {
        Timestamp = time.GetTimestamp(),
        Signs = ThrottleSigns.Read(files, firmware),
        Zones = ThermalZone.ReadAll(files),
        Cpus = CpuClock.ReadAll(files),
        Gpus = GpuClock.ReadAll(files),
        MemoryClockHertz = files.Number("/sys/kernel/debug/bpmp/debug/clk/emc/rate"),
        PowerMode = PowerMode.Read(files),
    };

    /// <summary>The hottest zone that answers, m°C.</summary>
    public long? HottestMilliCelsius => Zones.Max(zone => zone.MilliCelsius);
}

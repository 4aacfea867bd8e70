using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>What the gate judges by: all that was seen of the device before a measurement.</summary>
public sealed record GateFacts
{
    /// <summary>None: the device hangs on a supply.</summary>
    public IReadOnlyList<Battery> Batteries { get; init; } = [];
    public IReadOnlyList<ThermalZone> Zones { get; init; } = [];
    /// <summary>0 to 1, see <see cref="ProcessorUse.OthersPerCore"/>.</summary>
    public Reading OthersPerCore { get; init; } = Reading.Absent("the load was not looked at");
    /// <summary>Bytes.</summary>
    public Reading AvailableMemory { get; init; } = Reading.Absent("the memory was not looked at");
    /// <summary>Bytes free on the disk that is written to.</summary>
    public Reading FreeDisk { get; init; } = Reading.Absent("the disk was not looked at");
    /// <summary>Since the last measurement on this device ended; null where there was none.</summary>
    public TimeSpan? SinceLastRun { get; init; }
    /// <summary>The hottest zone when the device was last seen idle, m°C; null where that is not known.</summary>
    public long? IdleMilliCelsius { get; init; }

    /// <summary>Looks at the device for as long as the load takes to tell.</summary>
    /// <param name="files">Where /proc and /sys are.</param>
    /// <param name="own">Our own processes, whose load is no disturbance.</param>
    /// <param name="freeDiskBytes">Null where the disk does not say.</param>
    /// <param name="window">How long the load of others is looked at; the protocol says 10 s.</param>
    public static async Task<GateFacts> CollectAsync(
        ISystemFiles files, IReadOnlyCollection<int> own, long? freeDiskBytes, TimeSpan window, TimeProvider time, CancellationToken cancellationToken)
    {
        ProcessorUse? begin = ProcessorUse.Read(files, own, out string? whyBegin);
        await Task.Delay(window, time, cancellationToken).ConfigureAwait(false);
        ProcessorUse? end = ProcessorUse.Read(files, own, out string? whyEnd);
        return new GateFacts
        {
            Batteries = Battery.ReadAll(files),
            Zones = ThermalZone.ReadAll(files),
            OthersPerCore = begin is { } first && end is { } last ? ProcessorUse.OthersPerCore(first, last) : Reading.Absent(whyBegin ?? whyEnd!),
            AvailableMemory = DeviceMemory.Read(files).Available,
            FreeDisk = freeDiskBytes is { } bytes ? Reading.Measured(bytes, "bytes", "statvfs") : Reading.Absent("the disk does not say how much is free"),
        };
    }
}

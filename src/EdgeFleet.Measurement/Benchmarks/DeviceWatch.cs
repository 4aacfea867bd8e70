using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Whether the device was slowed meanwhile, from snapshots at the edges of blocks and never inside: some of these files ask
/// another processor and take milliseconds.
/// </summary>
internal sealed class DeviceWatch : IDisposable
{
    private readonly ISystemFiles _files;
    private readonly IFirmwareMailbox _firmware;
    private readonly DeviceSnapshot _first;
    private readonly bool _onProcessor;
    private DeviceSnapshot? _before;
    private DeviceSnapshot? _last;

    /// <param name="files">The device.</param>
    /// <param name="provider">ONNX Runtime's execution provider: whose clock is of interest.</param>
    /// <param name="firmware">Asked whether it throttles, which only a Raspberry Pi's answers; becomes the watch's own.</param>
    public DeviceWatch(ISystemFiles files, string provider, IFirmwareMailbox firmware)
    {
        (_files, _onProcessor, _firmware) = (files, provider == new SessionChoice().Provider, firmware);
        _first = Look();
    }

    public void Begin() => _before = Look();

    /// <returns>Why what was measured since <see cref="Begin"/> does not count; empty where it does.</returns>
    public IReadOnlyList<string> End()
    {
        _last = Look();
        SnapshotDelta delta = SnapshotDelta.Between(_before!, _last);
        return delta.PowerModeChanged ? ["the power mode changed"] : delta.Throttled == Throttled.Yes ? [.. delta.Causes.Select(cause => $"throttled: {cause.Cause}").Distinct()] : [];
    }

    /// <summary>The clock of what just ran: the processor's, or of a GPU the fastest. Null where the device does not tell.</summary>
    /// <param name="processor">Where the measuring thread was.</param>
    public double? Hertz(int processor) => _onProcessor ? CpuClock.Now(_files, processor) * 1000.0 : GpuClock.ReadAll(_files).Max(gpu => gpu.Current);

    public EnvironmentEvidence Describe(EnvironmentEvidence environment)
    {
        DeviceSnapshot end = _last ?? Look();
        SnapshotDelta delta = SnapshotDelta.Between(_first, end);
        SortedDictionary<string, BeforeAfter> figures = new(StringComparer.Ordinal);
        Add(figures, _first.Zones, end.Zones, zone => zone.Name, zone => zone.MilliCelsius / 1000.0, "°C");
        Add(figures, _first.Cpus, end.Cpus, cpu => $"cpu{cpu.Cpu}", cpu => (cpu.Actual ?? cpu.Requested) / 1000.0, "MHz");
        Add(figures, _first.Gpus, end.Gpus, gpu => gpu.Name, gpu => gpu.Current / 1e6, "MHz");
        Add(figures, _first.Signs, end.Signs, sign => sign.Name, sign => sign.Value, "count");
        return environment with
        {
            Throttled = delta.Throttled.ToString().ToLowerInvariant(),
            Causes = delta.Throttled == Throttled.Unknown ? ["nothing on this device that tells could be read"] : [.. delta.Causes.Select(cause => cause.ToString())],
            Unwatched = [.. environment.Unwatched, .. delta.Unwatched],
            Figures = figures,
        };
    }

    public void Dispose() => _firmware.Dispose();

    private DeviceSnapshot Look() => DeviceSnapshot.Take(_files, TimeProvider.System, _firmware);

    private static void Add<T>(SortedDictionary<string, BeforeAfter> figures, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> name, Func<T, double?> value, string unit)
    {
        foreach (T item in before)
        {
            T? later = after.FirstOrDefault(candidate => name(candidate) == name(item));
            figures.TryAdd(name(item), new BeforeAfter(value(item), later is null ? null : value(later), unit));
        }
    }
}

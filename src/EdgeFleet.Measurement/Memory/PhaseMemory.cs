using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Memory;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Memory;

/// <summary>What one phase of a measurement (load, first inference, blocks) took of memory.</summary>
public sealed record PhaseMemory
{
    public required string Phase { get; init; }
    /// <summary>The most that was resident in this phase, bytes. Absent where the mark could not be reset at its beginning.</summary>
    public required Reading Peak { get; init; }
    /// <summary>At the end of the phase: resident, anonymous, file, shared, swapped.</summary>
    public required ProcessMemory AtEnd { get; init; }
    /// <summary>At the end of the phase.</summary>
    public required CgroupMemory Cgroup { get; init; }
    public required Reading MinorFaults { get; init; }
    /// <summary>Pages that came from a disk in this phase.</summary>
    public required Reading MajorFaults { get; init; }
}

/// <summary>
/// Follows one process through its phases; each begins with a reset of the kernel's high-water mark, so a peak belongs to
/// its phase and not to an earlier one. Not for timed windows: it reads and allocates at a phase's two edges.
/// </summary>
public sealed class PhaseMeter : IDisposable
{
    private readonly ISystemSettings _settings;
    private readonly MemoryReader _reader;
    private readonly PageFaultCounter _faults;

    /// <param name="files">Where /proc and /sys are.</param>
    /// <param name="settings">The same place, for resetting the mark.</param>
    /// <param name="processId">Null: this process.</param>
    public PhaseMeter(ISystemFiles files, ISystemSettings settings, int? processId = null)
    {
        _settings = settings;
        _reader = new MemoryReader(files, processId);
        _faults = new PageFaultCounter(files, processId);
    }

    public OpenPhase Begin(string phase) => new(this, phase, _reader.ResetPeak(_settings), _faults.TryRead(out PageFaults faults), faults);

    public void Dispose() => _faults.Dispose();

    /// <summary>A phase that has begun.</summary>
    public sealed class OpenPhase
    {
        private readonly PhaseMeter _meter;
        private readonly string _phase;
        private readonly string? _noReset;
        private readonly Errno _noFaults;
        private readonly PageFaults _before;

        internal OpenPhase(PhaseMeter meter, string phase, string? noReset, Errno noFaults, PageFaults before) =>
            (_meter, _phase, _noReset, _noFaults, _before) = (meter, phase, noReset, noFaults, before);

        public PhaseMemory End()
        {
            Errno error = _meter._faults.TryRead(out PageFaults after);
            error = _noFaults == Errno.None ? error : _noFaults;
            PageFaults faults = after - _before;
            ProcessMemory memory = _meter._reader.Read();
            return new PhaseMemory
            {
                Phase = _phase,
                // The mark of a whole life would be an upper bound at best, and of two models in one process nobody's peak.
                Peak = _noReset is null ? memory.Peak : Reading.Absent($"the peak of this phase alone is not known: {_noReset}"),
                AtEnd = memory,
                Cgroup = _meter._reader.ReadCgroup(),
                MinorFaults = Faults(faults.Minor),
                MajorFaults = Faults(faults.Major),
            };

            Reading Faults(long count) => error == Errno.None
                ? Reading.Measured(count, "faults", "/proc/PID/stat")
                : Reading.Absent($"/proc/PID/stat: {error.Describe()}");
        }
    }
}

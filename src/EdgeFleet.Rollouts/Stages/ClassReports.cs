using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>What the devices of one class reported, added up as it came.</summary>
internal sealed class ClassReports(string hardwareClass, IReadOnlyList<string> devices, int classSize, GateMargins margins, ITickLog log)
{
    private readonly HashSet<string> _devices = [.. devices];
    private readonly Dictionary<string, DeviceFaults> _faults = new(StringComparer.Ordinal);
    private CalibrationTicks _calibrating = new();
    private ClassFold? _fold;
    private GateCalibration? _calibration;
    // Devices whose ticks are in the fold, and devices that had some and were left out.
    private readonly HashSet<string> _in = new(StringComparer.Ordinal);
    private readonly HashSet<string> _out = new(StringComparer.Ordinal);
    private IReadOnlySet<string> _aside = new HashSet<string>();

    public ITickLog Log { get; set; } = log;

    /// <summary>The last report that was taken in.</summary>
    public long Through { get; private set; }

    public DeviceFaults FaultsOf(string deviceId) => _faults.GetValueOrDefault(deviceId) ?? DeviceFaults.None;

    /// <summary>Calibrates once there is enough; null and the reason before.</summary>
    public GateCalibration? TryFreeze(out string waitingFor)
    {
        if (_fold is not null)
        {
            // What was frozen at the last look was not saved: an operator's command came in between.
            (_fold, _calibration) = (null, null);
            foreach (ReportedTick row in Stored())
            {
                _calibrating.Take(row.DeviceId, Read(row));
            }
        }
        return GateCalibration.TryFreeze(_calibrating, devices, margins, out waitingFor);
    }

    public void Take(ReportedTick row)
    {
        if (row.Id <= Through)
        {
            return;
        }
        Through = row.Id;
        // A device compares only after it was drawn; whoever sends ticks of a rollout that it is no part of is not heard.
        if (!_devices.Contains(row.DeviceId))
        {
            return;
        }
        if (!_faults.TryGetValue(row.DeviceId, out DeviceFaults? faults))
        {
            _faults[row.DeviceId] = faults = new DeviceFaults();
        }
        // Only a broken invariant is one everywhere. What was measured in another power mode, say, compares with nothing here; it is
        // counted, not dropped in silence.
        faults.Take(row.Tick);
        if (row.HardwareClass != hardwareClass)
        {
            faults.Foreign(row.HardwareClass);
        }
        if (_fold is null)
        {
            _calibrating.Take(row.DeviceId, Read(row));
        }
        else
        {
            Judge(_fold, row);
        }
    }

    /// <summary>
    /// The evidence that is judged. When the noise was frozen since, or a device that has spoken stands aside now, it is added up
    /// anew from what is stored: what follows from the same reports is the same, whenever it is asked for.
    /// </summary>
    public ClassFold Judged(GateCalibration calibration, IReadOnlySet<string> aside)
    {
        if (_fold is not null && _calibration is not null && SameNoise(_calibration, calibration) && !_in.Overlaps(aside) && _out.IsSubsetOf(aside))
        {
            _aside = aside;
            return _fold;
        }
        (_calibration, _aside, _fold, _calibrating) = (calibration, aside, new ClassFold(margins, calibration, GateRules.Current, classSize), new CalibrationTicks());
        _in.Clear();
        _out.Clear();
        foreach (ReportedTick row in Stored())
        {
            Judge(_fold, row);
        }
        return _fold;
    }

    private IEnumerable<ReportedTick> Stored() => Log.After(0).TakeWhile(row => row.Id <= Through).Where(row => _devices.Contains(row.DeviceId));

    private void Judge(ClassFold fold, ReportedTick row)
    {
        if (_aside.Contains(row.DeviceId))
        {
            _out.Add(row.DeviceId);
            return;
        }
        _in.Add(row.DeviceId);
        fold.Take(row.DeviceId, Read(row), row.At);
    }

    private GateTick Read(ReportedTick row) => row.HardwareClass == hardwareClass ? GateTick.From(row.Tick) : new GateTick { Tick = row.Tick.Tick };

    // Frozen once; it is read anew with each look.
    private static bool SameNoise(GateCalibration one, GateCalibration other) =>
        one.NoisePairs == other.NoisePairs && one.NoiseDisagreements == other.NoiseDisagreements && one.LatencyWidthLogRatio.Equals(other.LatencyWidthLogRatio)
        && one.LastTick.Count == other.LastTick.Count;
}

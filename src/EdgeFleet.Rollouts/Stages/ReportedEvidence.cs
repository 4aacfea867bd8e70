namespace EdgeFleet.Rollouts.Stages;

/// <summary>
/// What the devices' ticks come to, added up as they are reported, so that each look costs what is new. It holds nothing that
/// cannot be made again from what is stored, to the last bit; its size does not depend on the number of ticks.
/// </summary>
public sealed class ReportedEvidence
{
    private readonly Dictionary<string, ClassReports> _classes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ClassReports> _ofDevice = new(StringComparer.Ordinal);
    private long _through;
    private int? _attempt;

    internal ClassReports Of(string hardwareClass) => _classes[hardwareClass];

    /// <summary>Takes in what is new.</summary>
    internal void Read(RolloutState state, ITickLog log)
    {
        if (_attempt != state.Spec.Attempt || _classes.Count != state.Classes.Count)
        {
            Begin(state, log);
        }
        foreach (ClassReports reports in _classes.Values)
        {
            reports.Log = log;
        }
        if (_classes.Count == 0)
        {
            return;
        }
        foreach (ReportedTick row in log.After(_through))
        {
            _through = row.Id;
            _ofDevice.GetValueOrDefault(row.DeviceId)?.Take(row);
        }
    }

    private void Begin(RolloutState state, ITickLog log)
    {
        (_attempt, _through) = (state.Spec.Attempt, 0);
        _classes.Clear();
        _ofDevice.Clear();
        foreach (ClassProgress progress in state.Classes)
        {
            List<string> devices = [.. progress.Devices.Select(device => device.DeviceId)];
            ClassReports reports = new(progress.HardwareClass, devices, devices.Count, state.Margins, log);
            _classes[progress.HardwareClass] = reports;
            foreach (string device in devices)
            {
                _ofDevice[device] = reports;
            }
        }
    }
}

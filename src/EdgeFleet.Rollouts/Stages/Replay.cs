using System.Text.Json;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Adds the reports up again that a stored verdict rests on, and compares with what the verdict carries.</summary>
public sealed class Replay(ITickLog log)
{
    private ClassReports? _reports;
    private GateInput? _last;

    /// <summary>
    /// Whether the reports that are stored come to the evidence that the verdict was made from, to the last bit. Null where there
    /// is nothing to compare: before the noise was known nothing is judged, and reports are not kept for ever.
    /// </summary>
    /// <param name="input">Of a verdict; one after the other in the order in which they were made takes one pass over the reports.</param>
    public bool? Same(GateInput input)
    {
        if (input is not { Ticks: { } ticks, Calibration: { } calibration } || input.SchemaVersion != GateInput.CurrentSchemaVersion || input.ReportsThrough == 0)
        {
            return null;
        }
        ClassReports reports = Reports(input);
        foreach (ReportedTick row in log.After(reports.Through).TakeWhile(row => row.Id <= input.ReportsThrough))
        {
            reports.Take(row);
        }
        ClassFold fold = reports.Judged(calibration, input.Aside.ToHashSet(StringComparer.Ordinal));
        return reports.Through < input.ReportsThrough ? null
            : Written(input) == Written(input with { Ticks = fold.Ticks, Devices = [.. input.Devices.Select(device => device with { Evidence = fold.Of(device.DeviceId) })] });
    }

    private ClassReports Reports(GateInput input)
    {
        bool goesOn = _last is not null && _reports is not null && _last.HardwareClass == input.HardwareClass && _last.Attempt == input.Attempt
            && _reports.Through <= input.ReportsThrough && _last.Devices.Select(d => d.DeviceId).SequenceEqual(input.Devices.Select(d => d.DeviceId), StringComparer.Ordinal);
        if (!goesOn)
        {
            _reports = new ClassReports(input.HardwareClass, [.. input.Devices.Select(device => device.DeviceId)], input.ClassSize, input.Margins, log);
        }
        _last = input;
        return _reports!;
    }

    private static string Written(GateInput input) => JsonSerializer.Serialize(input, RolloutsJsonContext.Default.GateInput);
}

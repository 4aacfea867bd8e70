namespace EdgeFleet.Measurement.Meters;

/// <summary>What was found. Owns the meters: whoever keeps one disposes of the search afterwards.</summary>
public sealed class MeterSearch(IReadOnlyList<IEnergyMeter> meters, IReadOnlyList<MeterFinding> findings) : IDisposable
{
    /// <summary>Those that gave a reading, the best first; none is a normal state.</summary>
    public IReadOnlyList<IEnergyMeter> Meters { get; } = meters;

    /// <summary>Every source that was looked for, in the order of the search.</summary>
    public IReadOnlyList<MeterFinding> Findings { get; } = findings;

    public IEnergyMeter? Best => Meters.Count > 0 ? Meters[0] : null;

    /// <summary>Why there is no meter, in one line; null where there is one.</summary>
    public string? AbsentReason => Meters.Count > 0 ? null
        : "no energy meter: " + string.Join("; ", Findings.Select(finding => $"{finding.Source}: {finding.Reason}"));

    public void Dispose()
    {
        foreach (IEnergyMeter meter in Meters)
        {
            meter.Dispose();
        }
    }
}

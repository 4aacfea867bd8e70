using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>Several windows of one meter as one: the cells of a model.</summary>
public static class WindowSum
{
    /// <summary>
    /// Gain and offset are the same meter's in all windows and add up; quantum, sampling and edges differ from window to window
    /// and add in squares. One window without energy leaves the sum without: an energy of some of the cells is none of the run.
    /// </summary>
    /// <exception cref="ArgumentException">No window.</exception>
    public static WindowEnergy Of(IReadOnlyList<WindowEnergy> windows)
    {
        if (windows.Count == 0)
        {
            throw new ArgumentException("no window has no energy", nameof(windows));
        }
        WindowEnergy? absent = windows.FirstOrDefault(window => window.Joules is null);
        double seconds = windows.Sum(window => window.Seconds);
        double? joules = absent is null ? windows.Sum(window => window.Joules) : null;
        return new WindowEnergy
        {
            State = absent is null ? windows[0].State : ReadingState.Absent,
            Reason = absent?.Reason,
            Source = windows[0].Source,
            Seconds = seconds,
            Joules = joules,
            MeanWatts = joules / seconds,
            Samples = windows.Sum(window => window.Samples),
            Dropped = windows.Sum(window => window.Dropped),
            Gaps = windows.Sum(window => window.Gaps),
            LargestGap = windows.Max(window => window.LargestGap),
            Uncertainty = absent is null && windows.All(window => window.Uncertainty is not null)
                ? new EnergyUncertainty(
                    windows.All(window => window.Uncertainty!.Gain is not null) ? windows.Sum(window => window.Uncertainty!.Gain) : null,
                    windows.All(window => window.Uncertainty!.Offset is not null) ? windows.Sum(window => window.Uncertainty!.Offset) : null,
                    windows.All(window => window.Uncertainty!.Quantum is not null) ? Root(windows, window => window.Quantum) : null,
                    Root(windows, window => window.Sampling)!.Value,
                    Root(windows, window => window.Edges)!.Value)
                : null,
            QuantumWatts = windows[0].QuantumWatts,
        };
    }

    private static double? Root(IReadOnlyList<WindowEnergy> windows, Func<EnergyUncertainty, double?> part) =>
        Math.Sqrt(windows.Sum(window => EnergyUncertainty.Square(part(window.Uncertainty!))));
}

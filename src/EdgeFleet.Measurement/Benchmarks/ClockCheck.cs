using System.Diagnostics;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// The clock that times inferences (CLOCK_MONOTONIC, never the time of day: that one can be set): how finely it counts and what
/// an empty timed region costs.
/// </summary>
/// <param name="ResolutionNanos">The smallest step seen.</param>
/// <param name="CostNanos">Median of two readings in a row.</param>
internal sealed record ClockCheck(double ResolutionNanos, double CostNanos)
{
    private const int Readings = 20_000;
    /// <summary>A timed region shall be this many times longer than what timing it costs.</summary>
    private const int Thousandfold = 1000;

    public static ClockCheck Run()
    {
        double nanosPerTick = 1e9 / Stopwatch.Frequency;
        double[] steps = new double[Readings];
        for (int i = 0; i < steps.Length; i++)
        {
            long before = Stopwatch.GetTimestamp();
            steps[i] = (Stopwatch.GetTimestamp() - before) * nanosPerTick;
        }
        Array.Sort(steps);
        return new ClockCheck(steps.FirstOrDefault(step => step > 0, nanosPerTick), Math.Max(steps[steps.Length / 2], nanosPerTick));
    }

    /// <summary>Inferences of one sample, so that the clock's own cost stays below a thousandth and the samples fit into the memory taken for them.</summary>
    public int BatchFor(double inferenceNanos, double cellNanos, int capacity)
    {
        double forTheClock = Thousandfold * CostNanos / inferenceNanos;
        double forTheMemory = cellNanos / inferenceNanos / (0.8 * capacity);
        return (int)Math.Clamp(Math.Ceiling(Math.Max(forTheClock, forTheMemory)), 1, 1_000_000);
    }
}

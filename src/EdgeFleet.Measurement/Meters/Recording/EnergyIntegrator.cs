using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>
/// Energy out of samples. Counters are subtracted, never multiplied by time; power is integrated by the trapezoid rule; both
/// are interpolated where the window begins and ends. Pure.
/// </summary>
public static class EnergyIntegrator
{
    private const int FewestSamples = 20;
    private const double LongestGapPeriods = 3, MostDropped = 0.01;

    /// <param name="samples">In the order of their time; with at least one good sample at or before the window and one at or behind it.</param>
    /// <param name="from">Ticks.</param>
    /// <param name="to">Ticks, after <paramref name="from"/>.</param>
    /// <param name="frequency">Ticks per second.</param>
    /// <param name="lastReason">Why samples are absent.</param>
    public static WindowEnergy Integrate(ReadOnlySpan<EnergySample> samples, MeterIdentity meter, long from, long to, long frequency, string? lastReason = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(from, to);
        double seconds = (to - from) / (double)frequency;
        WindowEnergy absent = new() { State = ReadingState.Absent, Source = meter.Source, Seconds = seconds };
        int first = LastAtOrBefore(samples, from), last = FirstAtOrAfter(samples, to);
        string because = lastReason is null ? "" : $": {lastReason}";
        if (first < 0 || last < 0)
        {
            return absent with { Reason = $"{meter.Source}: no reading {(first < 0 ? "before the beginning" : "after the end")} of the window{because}" };
        }
        double period = meter.Period.TotalSeconds * frequency;
        Coverage coverage = Coverage.Of(samples[first..(last + 1)], from, to, LongestGapPeriods * period);
        absent = absent with
        {
            Samples = coverage.Samples,
            Dropped = coverage.Dropped,
            Gaps = coverage.Gaps,
            LargestGap = TimeSpan.FromSeconds(coverage.LargestGapTicks / (double)frequency),
        };
        string? reason = Refusal(meter, coverage, seconds, because);
        if (reason is not null)
        {
            return absent with { Reason = $"{meter.Source}: {reason}" };
        }
        Curve curve = new(samples[first..(last + 1)], from, to, frequency, meter.Kind == MeterKind.Accumulating);
        return absent with
        {
            State = meter.State,
            Joules = curve.Joules,
            MeanWatts = curve.Joules / seconds,
            Uncertainty = curve.Uncertainty(meter, seconds, coverage.Samples),
            QuantumWatts = meter.Kind == MeterKind.Accumulating ? meter.QuantumJoules / seconds : meter.QuantumWatts,
        };
    }

    /// <summary>
    /// A counter loses nothing by a reading that was not made, as long as its neighbours are near; samples of power do.
    /// </summary>
    private static string? Refusal(MeterIdentity meter, Coverage coverage, double seconds, string because)
    {
        bool sampled = meter.Kind == MeterKind.Sampled;
        int fewest = sampled ? FewestSamples : 2;
        return seconds < meter.ShortestWindow.TotalSeconds ? FormattableString.Invariant($"a window of {seconds:0.###} s, at least {meter.ShortestWindow.TotalSeconds} s are needed")
            : coverage.Gaps > 0 ? $"{coverage.Gaps} gap(s) in the readings{because}"
            : coverage.Samples < fewest ? $"{coverage.Samples} readings in the window, at least {fewest} are needed{because}"
            : sampled && coverage.Dropped > Math.Max(1, MostDropped * (coverage.Samples + coverage.Dropped)) ? $"{coverage.Dropped} of {coverage.Samples + coverage.Dropped} readings dropped, at most one or 1 % may be{because}"
            : null;
    }

    private static int LastAtOrBefore(ReadOnlySpan<EnergySample> samples, long ticks)
    {
        int found = -1;
        for (int i = 0; i < samples.Length && samples[i].Ticks <= ticks; i++)
        {
            found = samples[i].IsAbsent ? found : i;
        }
        return found;
    }

    private static int FirstAtOrAfter(ReadOnlySpan<EnergySample> samples, long ticks)
    {
        int found = -1;
        for (int i = samples.Length - 1; i >= 0 && samples[i].Ticks >= ticks; i--)
        {
            found = samples[i].IsAbsent ? found : i;
        }
        return found;
    }

    /// <summary>How well the readings cover the window. The first and the last sample bracket it.</summary>
    private readonly record struct Coverage(int Samples, int Dropped, int Gaps, long LargestGapTicks)
    {
        public static Coverage Of(ReadOnlySpan<EnergySample> samples, long from, long to, double longestTicks)
        {
            int inside = 0, dropped = 0, gaps = 0;
            long largest = 0, before = samples[0].Ticks;
            bool unknown = false;
            for (int i = 0; i < samples.Length; i++)
            {
                EnergySample sample = samples[i];
                if (i > 0)
                {
                    dropped += sample.Missed + (sample.IsAbsent ? 1 : 0);
                    unknown |= sample.Gap;
                }
                if (sample.IsAbsent)
                {
                    continue;
                }
                inside += sample.Ticks >= from && sample.Ticks <= to ? 1 : 0;
                gaps += unknown || sample.Ticks - before > longestTicks ? 1 : 0;
                largest = Math.Max(largest, sample.Ticks - before);
                (before, unknown) = (sample.Ticks, false);
            }
            return new Coverage(inside, dropped, gaps, largest);
        }
    }
}

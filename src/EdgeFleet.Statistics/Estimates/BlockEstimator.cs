using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// Estimates from paired blocks: one log ratio per block of candidate against baseline, so that whatever drifts slower
/// than a block (clocks, heat, neighbours) cancels.
/// </summary>
public static class BlockEstimator
{
    /// <summary>ln(candidate / baseline) of each block.</summary>
    public static double[] LogRatios(IReadOnlyList<double> baseline, IReadOnlyList<double> candidate)
    {
        if (baseline.Count != candidate.Count)
        {
            throw new ArgumentException($"{baseline.Count} baseline blocks but {candidate.Count} candidate blocks", nameof(candidate));
        }
        var ratios = new double[baseline.Count];
        for (int i = 0; i < ratios.Length; i++)
        {
            if (!(baseline[i] > 0) || !(candidate[i] > 0) || !double.IsFinite(baseline[i]) || !double.IsFinite(candidate[i]))
            {
                throw new ArgumentException($"block {i}: a log ratio needs positive finite values, got {baseline[i]} and {candidate[i]}", nameof(baseline));
            }
            ratios[i] = Math.Log(candidate[i]) - Math.Log(baseline[i]);
        }
        return ratios;
    }

    /// <summary>
    /// Median of the values and the order-statistic interval that covers the true median with at least
    /// <paramref name="confidence"/>, whatever the distribution; null for no values.
    /// </summary>
    public static MedianEstimate? Median(IReadOnlyList<double> values, double confidence = 0.95)
    {
        if (!(confidence > 0 && confidence < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(confidence), confidence, "a confidence lies strictly between 0 and 1");
        }
        if (values.Count == 0)
        {
            return null;
        }
        double[] sorted = [.. values];
        if (Array.Exists(sorted, v => !double.IsFinite(v)))
        {
            throw new ArgumentException("a block value is not finite", nameof(values));
        }
        Array.Sort(sorted);
        int n = sorted.Length;
        double median = n % 2 == 1 ? sorted[n / 2] : (sorted[(n / 2) - 1] + sorted[n / 2]) / 2;

        // (x_(r), x_(n+1-r)) covers with 1 - 2 P(Bin(n, 1/2) < r); the largest r that still covers enough is narrowest.
        double tail = 0, coverage = 0;
        double term = -n * Math.Log(2);
        int rank = 0;
        for (int r = 1; r <= n / 2; r++)
        {
            tail += Math.Exp(term);
            double covers = 1 - (2 * tail);
            if (covers < confidence)
            {
                break;
            }
            rank = r;
            coverage = covers;
            term += Math.Log((double)(n - r + 1) / r);
        }
        return rank == 0
            ? new MedianEstimate(median, null, null, n, null)
            : new MedianEstimate(median, sorted[rank - 1], sorted[n - rank], n, coverage);
    }

    /// <summary>Sample standard deviation; null for fewer than two values.</summary>
    public static double? StandardDeviation(IReadOnlyList<double> values)
    {
        if (values.Count < 2)
        {
            return null;
        }
        double mean = 0, squares = 0;
        for (int i = 0; i < values.Count; i++)
        {
            double off = values[i] - mean;
            mean += off / (i + 1);
            squares += off * (values[i] - mean);
        }
        return Math.Sqrt(squares / (values.Count - 1));
    }

    /// <summary>
    /// Correlation of neighbouring values; null for fewer than <paramref name="atLeast"/> of them or when all are equal.
    /// Bets on ticks assume that it is small.
    /// </summary>
    public static double? Autocorrelation(IReadOnlyList<double> values, int atLeast = 20)
    {
        if (values.Count < Math.Max(atLeast, 2))
        {
            return null;
        }
        double mean = 0;
        for (int i = 0; i < values.Count; i++)
        {
            mean += (values[i] - mean) / (i + 1);
        }
        double shared = 0, all = 0;
        for (int i = 0; i < values.Count; i++)
        {
            double off = values[i] - mean;
            all += off * off;
            shared += i == 0 ? 0 : off * (values[i - 1] - mean);
        }
        return all > 0 ? shared / all : null;
    }

    /// <summary>
    /// One-sided upper bound (Clopper-Pearson) of a chance from events in trials; 1 for no trials: nothing is excluded.
    /// </summary>
    public static double UpperRate(long events, long trials, double confidence = 0.95)
    {
        if (events < 0 || trials < events)
        {
            throw new ArgumentOutOfRangeException(nameof(events), events, $"of {trials} trials");
        }
        if (events == trials)
        {
            return 1;
        }
        double low = (double)events / trials, high = 1;
        for (int i = 0; i < 60; i++)
        {
            double p = (low + high) / 2;
            // P(Bin(n, p) <= k) = 1 - I_p(k + 1, n - k)
            if (1 - SpecialFunctions.RegularizedBeta(p, events + 1, trials - events) > 1 - confidence)
            {
                low = p;
            }
            else
            {
                high = p;
            }
        }
        return high;
    }
}

using EdgeFleet.Statistics.Sketches;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Whether a high quantile of latency rose beyond its margin, from pairs of the same input: the candidate exceeds (1 + margin)
/// times a threshold against the baseline exceeds the threshold, and a sign test of the pairs that differ. The threshold is the
/// baseline's quantile in earlier ticks alone, so it is known before the pair that it judges. Quantiles do not average;
/// exceedances do. The null "the candidate is stochastically at most (1 + margin) times the baseline" makes a worse pair no more
/// likely than a better one.
/// </summary>
public sealed class ExceedancePairs
{
    private readonly double _quantile;
    private readonly double _factor;
    private readonly long _fewest;
    private readonly LatencySketch _earlier = new();
    private readonly List<double> _thisTick = [];

    /// <summary>Starts without any threshold.</summary>
    /// <param name="quantile">Such as 0.99; strictly between 0 and 1.</param>
    /// <param name="marginFraction">Such as 0.15 for +15 %; not negative.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public ExceedancePairs(double quantile, double marginFraction)
    {
        if (!(quantile > 0 && quantile < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(quantile), quantile, "a quantile lies strictly between 0 and 1");
        }
        if (!(marginFraction >= 0 && double.IsFinite(marginFraction)))
        {
            throw new ArgumentOutOfRangeException(nameof(marginFraction), marginFraction, "a margin is finite and not negative");
        }
        _quantile = quantile;
        _factor = 1 + marginFraction;
        // Ten values beyond the quantile: 200 for p95, 1,000 for p99. The half keeps a last bit from asking for one more.
        _fewest = (long)Math.Ceiling((10 / (1 - quantile)) - 0.5);
    }

    /// <summary>The baseline's quantile in the ticks before this one; null before there are enough values to tell it.</summary>
    public double? Threshold { get; private set; }

    /// <summary>Pairs in which only the candidate exceeded.</summary>
    public long Worse { get; private set; }

    /// <summary>Pairs in which only the baseline exceeded.</summary>
    public long Better { get; private set; }

    /// <summary>Natural logarithm of E.</summary>
    public double LogE => CountEValues.LogSign(Worse, Better);

    /// <summary>Takes one pair of latencies in any one unit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A latency that is not positive and finite.</exception>
    public void Observe(double baseline, double candidate)
    {
        LatencySketch.IndexOf(candidate); // says what is no latency
        LatencySketch.IndexOf(baseline);
        _thisTick.Add(baseline);
        if (Threshold is { } threshold)
        {
            bool slow = candidate > _factor * threshold, wasSlow = baseline > threshold;
            Worse += slow && !wasSlow ? 1 : 0;
            Better += wasSlow && !slow ? 1 : 0;
        }
    }

    /// <summary>Ends a tick: only now does what was seen in it move the threshold.</summary>
    public void EndTick()
    {
        foreach (double latency in _thisTick)
        {
            _earlier.Add(latency);
        }
        _thisTick.Clear();
        Threshold = _earlier.Count >= _fewest ? _earlier.Quantile(_quantile) : null;
    }
}

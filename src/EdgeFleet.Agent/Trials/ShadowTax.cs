namespace EdgeFleet.Agent.Trials;

/// <summary>Latencies that applications saw in a stretch of time, as moments of the natural logarithm of microseconds.</summary>
internal readonly record struct LogLatency(long Count, double Sum, double SumOfSquares)
{
    public double Mean => Sum / Count;

    public double VarianceOfMean => Count < 2 ? double.PositiveInfinity : Math.Max(0, (SumOfSquares - (Sum * Sum / Count)) / (Count - 1)) / Count;

    public static LogLatency operator -(LogLatency later, LogLatency earlier) =>
        new(later.Count - earlier.Count, later.Sum - earlier.Sum, later.SumOfSquares - earlier.SumOfSquares);
}

/// <summary>
/// What the shadow costs the served model: served latencies while it compares against those while it rests, in cycles of a few
/// hundred milliseconds each, so that whatever drifts (load, heat) falls on both. The last cycles alone decide, which is how
/// a tax that begins now is found within seconds.
/// </summary>
/// <param name="budget">The share that the served model may become slower by: 0.05 is 5 %.</param>
internal sealed class ShadowTax(double budget)
{
    /// <summary>With one cycle a second: the verdict is about the last four seconds.</summary>
    public const int Cycles = 4;
    private const int FewestRequests = 5;
    /// <summary>
    /// So many standard errors beyond the budget, because it is looked at every second for hours. In simulation, at a hundred
    /// requests a second, a shadow that costs nothing is left alone for an hour and one that costs half is found in five cycles.
    /// </summary>
    private const double Errors = 3;
    private readonly double _budget = Math.Log(1 + budget);
    private readonly Queue<(double Difference, double Variance)> _cycles = new();

    /// <summary>ln(latency with the shadow / without) over the last cycles; null while nobody asked often enough to tell.</summary>
    public double? LogRatio => _cycles.Count == 0 ? null : _cycles.Average(cycle => cycle.Difference);

    /// <summary>The shadow makes the served model slower than the budget allows, beyond what chance explains.</summary>
    public bool Exceeded
    {
        get
        {
            if (_cycles.Count < Cycles)
            {
                return false;
            }
            double mean = LogRatio!.Value;
            // Requests of one cycle share its fate, so cycles are the unit; few of them may agree by luck, so requests are the floor.
            double between = _cycles.Sum(cycle => Math.Pow(cycle.Difference - mean, 2)) / (Cycles - 1) / Cycles;
            double within = _cycles.Sum(cycle => cycle.Variance) / (Cycles * Cycles);
            return mean - (Errors * Math.Sqrt(Math.Max(between, within))) > _budget;
        }
    }

    /// <summary>Takes in one cycle; one with too few requests on either side says nothing and is left out.</summary>
    public void Add(LogLatency comparing, LogLatency resting)
    {
        if (comparing.Count < FewestRequests || resting.Count < FewestRequests)
        {
            return;
        }
        _cycles.Enqueue((comparing.Mean - resting.Mean, comparing.VarianceOfMean + resting.VarianceOfMean));
        if (_cycles.Count > Cycles)
        {
            _cycles.Dequeue();
        }
    }

    /// <summary>What was measured before no longer says anything: the shadow is another one now.</summary>
    public void Clear() => _cycles.Clear();
}

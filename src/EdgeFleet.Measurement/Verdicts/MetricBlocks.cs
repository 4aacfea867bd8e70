namespace EdgeFleet.Measurement.Verdicts;

/// <summary>What was measured of one metric for a verdict, or why nothing was.</summary>
public sealed record MetricBlocks
{
    private MetricBlocks(string name, IReadOnlyList<double> logRatios, double margin, bool required)
    {
        for (int i = 0; i < logRatios.Count; i++)
        {
            if (!double.IsFinite(logRatios[i]))
            {
                throw new ArgumentException(FormattableString.Invariant($"{name}: the log ratio of block {i} is not finite: {logRatios[i]}"), nameof(logRatios));
            }
        }
        if (!(margin > -1 && double.IsFinite(margin)))
        {
            throw new ArgumentException(FormattableString.Invariant($"{name}: a margin is finite and above -1, not {margin}"), nameof(margin));
        }
        (Name, LogRatios, Margin, Required) = (name, [.. logRatios], margin, required);
    }

    /// <summary>As it stands in sentences: <c>latency</c>, <c>energy</c>, <c>memory</c>.</summary>
    public string Name { get; }

    /// <summary>ln(candidate / baseline) of each block; a single one for a reading taken once; empty where it is absent.</summary>
    public IReadOnlyList<double> LogRatios { get; }

    /// <summary>Share by which the candidate may be worse: 0.05 allows a ratio of 1.05, -0.10 demands one of 0.90.</summary>
    public double Margin { get; }

    /// <summary>Whether there is no pass without it.</summary>
    public bool Required { get; }

    /// <summary>Taken once, like a peak of memory: the ratio itself is judged, and has no interval.</summary>
    public bool TakenOnce { get; private init; }

    /// <summary>Why there is no value; null where there is one.</summary>
    public string? AbsentReason { get; private init; }

    /// <param name="name">The metric.</param>
    /// <param name="logRatios">ln(candidate / baseline) of each block.</param>
    /// <param name="margin">Share by which the candidate may be worse, above -1.</param>
    /// <param name="required">Whether there is no pass without it.</param>
    /// <exception cref="ArgumentException">A log ratio is not finite, or the margin is none.</exception>
    public static MetricBlocks Measured(string name, IReadOnlyList<double> logRatios, double margin, bool required = true) =>
        new(name, logRatios, margin, required);

    /// <summary>A metric that is read once for each model and not per block.</summary>
    /// <exception cref="ArgumentException">A value is not positive and finite, or the margin is none.</exception>
    public static MetricBlocks Once(string name, double baseline, double candidate, double margin, bool required = true)
    {
        if (!(baseline > 0 && candidate > 0))
        {
            throw new ArgumentException(FormattableString.Invariant($"{name}: a ratio needs positive values, not {candidate} over {baseline}"), nameof(candidate));
        }
        double logRatio = Math.Log(candidate / baseline);
        return new(name, [logRatio], margin, required) { TakenOnce = true };
    }

    /// <summary>A metric that was not measured. Never a pass where it is required.</summary>
    /// <exception cref="ArgumentException">No reason, or the margin is none.</exception>
    public static MetricBlocks Absent(string name, string reason, double margin, bool required)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        return new(name, [], margin, required) { AbsentReason = reason };
    }
}

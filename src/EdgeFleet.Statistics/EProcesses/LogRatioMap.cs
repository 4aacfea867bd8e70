using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Maps a paired log ratio D = ln(candidate / baseline) to [0, 1] so that the margin lands on 1/2:
/// x = clip(D - margin, -width, width) / (2 width) + 1/2. What is tested is therefore the winsorised mean effect.
/// </summary>
/// <param name="MarginLogRatio">Tolerated log ratio, ln(1.05) for "+5 %".</param>
/// <param name="WidthLogRatio">Half width of the range that counts, frozen before the stage starts.</param>
public readonly record struct LogRatioMap(double MarginLogRatio, double WidthLogRatio)
{
    /// <summary>The null's mean on the mapped scale.</summary>
    public const double NullMean = 0.5;

    /// <summary>Narrowest half width ever used.</summary>
    public const double MinimumWidth = 0.10;

    /// <summary>Map for a margin given as a fraction (0.05 = 5 % worse), with width max(4 * A/A tick sd, 0.10).</summary>
    public static LogRatioMap Create(double marginFraction, double? noiseStandardDeviation) =>
        new(PortableMath.Log(1 + marginFraction), Math.Max(4 * (noiseStandardDeviation ?? 0), MinimumWidth));

    /// <summary>Mapped value in [0, 1] of a log ratio.</summary>
    public double ToUnit(double logRatio)
    {
        if (double.IsNaN(logRatio))
        {
            throw new ArgumentOutOfRangeException(nameof(logRatio), logRatio, "a log ratio is a number");
        }
        double beyond = Math.Clamp(logRatio - MarginLogRatio, -WidthLogRatio, WidthLogRatio);
        // The clamp again after the division: (w / 2w) + 1/2 may round a last bit above 1.
        return Math.Clamp((beyond / (2 * WidthLogRatio)) + 0.5, 0, 1);
    }

    /// <summary>Log ratio (inside the range) that maps to <paramref name="unit"/>.</summary>
    public double ToLogRatio(double unit) => ((unit - 0.5) * 2 * WidthLogRatio) + MarginLogRatio;
}

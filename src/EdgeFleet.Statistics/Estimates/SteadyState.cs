using System.Globalization;

namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// Whether a model is warm, from the medians of its windows so far: the last 3 lie within 3 % of the least of them, and the
/// last 8 show no trend (<see cref="MannKendall"/>, p > 0.05). The first rule alone takes a slow drift for steady, the second
/// alone a wild noise. Each is one that others use (perf_analyzer: 3 windows; Barrett et al. 2017: many runs never settle).
/// </summary>
/// <param name="IsSteady">Both rules hold.</param>
/// <param name="Spread">Highest over lowest of the last 3 medians, less 1; null with fewer windows.</param>
/// <param name="TrendPValue">Of the last 8 medians; null with fewer windows.</param>
/// <param name="Reason">What holds or does not, with numbers.</param>
public sealed record SteadyState(bool IsSteady, double? Spread, double? TrendPValue, string Reason)
{
    /// <summary>Windows whose medians must agree.</summary>
    public const int AgreeingWindows = 3;

    /// <summary>Windows that must show no trend; with fewer nothing is steady.</summary>
    public const int TrendWindows = 8;

    /// <summary>How far the agreeing windows may lie apart, as a share.</summary>
    public const double Within = 0.03;

    /// <summary>A trend is one whose p-value is at most this.</summary>
    public const double TrendLevel = 0.05;

    /// <param name="windowMedians">Median latency of each window, in the order measured; any unit.</param>
    /// <exception cref="ArgumentException">A median is not positive and finite.</exception>
    public static SteadyState Of(IReadOnlyList<double> windowMedians)
    {
        for (int i = 0; i < windowMedians.Count; i++)
        {
            if (!(windowMedians[i] > 0 && double.IsFinite(windowMedians[i])))
            {
                throw new ArgumentException(FormattableString.Invariant($"window {i}: a median latency is positive and finite, not {windowMedians[i]}"), nameof(windowMedians));
            }
        }
        double? spread = null, trend = null;
        bool agree = false;
        if (windowMedians.Count >= AgreeingWindows)
        {
            List<double> last = [.. windowMedians.Skip(windowMedians.Count - AgreeingWindows)];
            spread = (last.Max() / last.Min()) - 1;
            agree = last.Max() <= last.Min() * (1 + Within);
        }
        if (windowMedians.Count >= TrendWindows)
        {
            trend = MannKendall.Of([.. windowMedians.Skip(windowMedians.Count - TrendWindows)]).PValue;
        }
        if (spread is not { } apart || trend is not { } p)
        {
            return new SteadyState(false, spread, trend, Text($"{windowMedians.Count} windows are fewer than {TrendWindows}"));
        }
        string numbers = Text($"the last {AgreeingWindows} windows lie within {apart:P1}, the last {TrendWindows} have a trend with p = {p:0.000}");
        return new SteadyState(agree && p > TrendLevel, spread, trend, numbers);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

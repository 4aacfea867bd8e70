using System.Globalization;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Verdicts;

/// <summary>What the blocks say of one metric.</summary>
/// <param name="Name">The metric.</param>
/// <param name="Required">Whether there is no pass without it.</param>
/// <param name="Verdict">Pass where the whole interval is below 1 + margin, fail where it is above.</param>
/// <param name="Difference">The interval against 1; none without an interval.</param>
/// <param name="Ratio">Candidate over baseline: the exponential of the mean log ratio. Null where it is absent.</param>
/// <param name="Low">Lower end of the ratio's interval; null without one.</param>
/// <param name="High">Upper end.</param>
/// <param name="CanStillBeDecided">More blocks could turn this inconclusive into a pass or a fail.</param>
/// <param name="Sentence">The above in words, with numbers.</param>
public sealed record MetricVerdict(string Name, bool Required, Verdict Verdict, Difference Difference, double? Ratio, double? Low, double? High, bool CanStillBeDecided, string Sentence)
{
    /// <summary>One metric at a two-sided level.</summary>
    internal static MetricVerdict Of(MetricBlocks metric, double alpha)
    {
        string margin = Text($"margin {1 + metric.Margin:0.000}");
        double limit = Math.Log(1 + metric.Margin);
        if (metric.AbsentReason is { } reason)
        {
            return Undecided(null, canStillBeDecided: false, $"{metric.Name} is absent: {reason}");
        }
        if (PairedEstimate.Of(metric.LogRatios, alpha) is not { } estimate)
        {
            return Undecided(null, canStillBeDecided: true, $"{metric.Name} has no valid block");
        }
        double ratio = InRange(metric.Name, Math.Exp(estimate.Mean));
        if (metric.TakenOnce)
        {
            Verdict once = estimate.Mean <= limit ? Verdict.Pass : Verdict.Fail;
            return new MetricVerdict(metric.Name, metric.Required, once, Difference.None, ratio, null, null, false, Text($"{metric.Name} ratio {ratio:0.000}, read once, {margin}: {once.Word()}"));
        }
        if (estimate.Lower is not { } lower || estimate.Upper is not { } upper)
        {
            return Undecided(ratio, canStillBeDecided: true, Text($"{metric.Name} ratio {ratio:0.000} of one block has no interval"));
        }
        (double low, double high) = (Math.Exp(lower), InRange(metric.Name, Math.Exp(upper)));
        Verdict verdict = upper < limit ? Verdict.Pass : lower > limit ? Verdict.Fail : Verdict.Inconclusive;
        Difference difference = upper < 0 ? Difference.Faster : lower > 0 ? Difference.Slower : Difference.None;
        string sentence = Text($"{metric.Name} ratio {ratio:0.000} [{low:0.000}, {high:0.000}] over {estimate.Count} blocks at level {alpha:0.####}, {margin}: {verdict.Word()}");
        return new MetricVerdict(metric.Name, metric.Required, verdict, difference, ratio, low, high, verdict == Verdict.Inconclusive, sentence);

        MetricVerdict Undecided(double? value, bool canStillBeDecided, string why) =>
            new(metric.Name, metric.Required, Verdict.Inconclusive, Difference.None, value, null, null, canStillBeDecided, why);
    }

    // Finite log ratios can still be ones of no two measurements.
    private static double InRange(string name, double ratio) =>
        double.IsFinite(ratio) ? ratio : throw new ArgumentException($"{name}: the log ratios are too large for a ratio");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

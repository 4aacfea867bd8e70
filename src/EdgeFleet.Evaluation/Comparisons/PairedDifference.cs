namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>
/// The interval of a difference of two accuracies on the same rows. Only rows on which one model is right and the other
/// wrong carry information. Bonett and Price (2012): Wald's interval after one row is added to each of the two kinds; it
/// keeps its coverage where few rows differ and where none does.
/// </summary>
internal static class PairedDifference
{
    public const double Confidence = 0.95;
    public const string Method = "paired, Bonett-Price adjusted Wald";
    private const double NormalQuantile = 1.959963984540054;

    public static (double Lower, double Upper) Interval(long rows, long onlyBaselineRight, long onlyCandidateRight)
    {
        double n = rows + 2.0;
        double gained = (onlyCandidateRight + 1) / n;
        double lost = (onlyBaselineRight + 1) / n;
        double centre = gained - lost;
        double half = NormalQuantile * Math.Sqrt(Math.Max(0, gained + lost - (centre * centre)) / n);
        return (Math.Max(-1, centre - half), Math.Min(1, centre + half));
    }
}

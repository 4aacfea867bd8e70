namespace EdgeFleet.Statistics.Labels;

/// <summary>
/// Expected calibration error with bins of equal mass: how far confidence and accuracy lie apart, averaged over the rows. It is
/// biased upwards, more so with fewer rows, so it is shown and never gates; <see cref="BrierScore"/> does.
/// </summary>
public static class CalibrationError
{
    /// <summary>The error in [0, 1]; null for no rows.</summary>
    /// <param name="confidences">Of the answer that was given, in [0, 1].</param>
    /// <param name="correct">Whether it was right.</param>
    /// <param name="bins">At least 1. Rows of one confidence stay together, so that their order does not matter.</param>
    /// <exception cref="ArgumentException">Lists of different lengths, or a value that is no confidence.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No bins.</exception>
    public static double? Of(IReadOnlyList<double> confidences, IReadOnlyList<bool> correct, int bins = 15)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bins, 1);
        if (confidences.Count != correct.Count)
        {
            throw new ArgumentException($"{confidences.Count} confidences but {correct.Count} answers", nameof(correct));
        }
        if (confidences.FirstOrDefault(c => !(c >= 0 && c <= 1), 0) is var bad && bad != 0)
        {
            throw new ArgumentException(FormattableString.Invariant($"{bad} is no confidence"), nameof(confidences));
        }
        int rows = confidences.Count;
        if (rows == 0)
        {
            return null;
        }
        int[] order = [.. Enumerable.Range(0, rows).OrderBy(i => confidences[i])];
        double error = 0;
        int from = 0;
        for (int bin = 1; bin <= bins; bin++)
        {
            int to = Math.Max(from, (int)((long)bin * rows / bins));
            while (to > from && to < rows && confidences[order[to]].Equals(confidences[order[to - 1]]))
            {
                to++;
            }
            // |Σ confidence - Σ right| is the bin's gap times its rows.
            double gap = 0;
            for (int i = from; i < to; i++)
            {
                gap += confidences[order[i]] - (correct[order[i]] ? 1 : 0);
            }
            error += Math.Abs(gap);
            from = to;
        }
        return error / rows;
    }
}

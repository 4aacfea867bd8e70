namespace EdgeFleet.Statistics.Labels;

/// <summary>
/// Brier score of one answer, halved so that it lies in [0, 1] for any number of classes: (1/2) Σ (p_k - 1{k is the label})².
/// It is proper and adds up over rows, so differences of two models can be bet on; a calibration error cannot.
/// </summary>
public static class BrierScore
{
    /// <summary>Score of one row; 0 is certain and right, 1 certain and wrong.</summary>
    /// <param name="probabilities">Of each class, in [0, 1], adding up to 1 (to 1e-3: outputs are single precision, or int8).</param>
    /// <param name="label">Index of the true class.</param>
    /// <exception cref="ArgumentException">No distribution over classes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such class.</exception>
    public static double Of(ReadOnlySpan<float> probabilities, int label)
    {
        if ((uint)label >= (uint)probabilities.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(label), label, $"there are {probabilities.Length} classes");
        }
        double sum = 0, squares = 0;
        for (int k = 0; k < probabilities.Length; k++)
        {
            double p = probabilities[k];
            if (!(p >= 0 && p <= 1))
            {
                throw new ArgumentException(FormattableString.Invariant($"class {k}: {p} is no probability"), nameof(probabilities));
            }
            double off = p - (k == label ? 1 : 0);
            sum += p;
            squares += off * off;
        }
        if (!(Math.Abs(sum - 1) <= 1e-3))
        {
            throw new ArgumentException(FormattableString.Invariant($"the probabilities add up to {sum}"), nameof(probabilities));
        }
        return Math.Min(squares / 2, 1);
    }
}

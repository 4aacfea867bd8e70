using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Statistics.Labels;

/// <summary>
/// Answers of baseline and candidate to the same labelled inputs, as counts that add up over ticks and devices.
/// </summary>
/// <param name="BothRight">Inputs that both answered rightly.</param>
/// <param name="BothWrong">Inputs that neither did.</param>
/// <param name="Lost">The baseline was right and the candidate is wrong: a negative flip.</param>
/// <param name="Gained">The baseline was wrong and the candidate is right.</param>
public readonly record struct LabelledPairs(long BothRight, long BothWrong, long Lost, long Gained)
{
    public long Count => BothRight + BothWrong + Lost + Gained;

    /// <summary>Share of all inputs that users see getting worse (Yan et al. 2021), which an unchanged accuracy can hide; null without any.</summary>
    public double? NegativeFlipRate => Count == 0 ? null : (double)Lost / Count;

    /// <summary>Accuracy of the candidate minus that of the baseline; null without any.</summary>
    public double? AccuracyDifference => Count == 0 ? null : (double)(Gained - Lost) / Count;

    /// <summary>
    /// Natural logarithm of E for the null "a flip is negative with chance at most 1/2": early word of a loss of accuracy
    /// without any margin. A margin is tested by betting on the differences.
    /// </summary>
    public double LogSign => CountEValues.LogSign(Lost, Gained);

    /// <summary>One more input.</summary>
    public LabelledPairs With(bool baselineRight, bool candidateRight) => (baselineRight, candidateRight) switch
    {
        (true, true) => this with { BothRight = BothRight + 1 },
        (false, false) => this with { BothWrong = BothWrong + 1 },
        (true, false) => this with { Lost = Lost + 1 },
        (false, true) => this with { Gained = Gained + 1 },
    };

    public static LabelledPairs operator +(LabelledPairs left, LabelledPairs right) => new(
        left.BothRight + right.BothRight, left.BothWrong + right.BothWrong, left.Lost + right.Lost, left.Gained + right.Gained);
}

using System.Diagnostics;

namespace EdgeFleet.Measurement.Verdicts;

/// <summary>The words of the evidence document and of the command line.</summary>
public static class VerdictWords
{
    public static string Word(this Verdict verdict) => verdict switch
    {
        Verdict.Pass => "pass",
        Verdict.Fail => "fail",
        Verdict.Inconclusive => "inconclusive",
        _ => throw new UnreachableException(),
    };

    public static string Word(this Difference difference) => difference switch
    {
        Difference.Slower => "slower",
        Difference.Faster => "faster",
        Difference.None => "none",
        _ => throw new UnreachableException(),
    };
}

using System.Globalization;
using EdgeFleet.Evaluation.Suites;

namespace EdgeFleet.Evaluation.Comparisons;

/// <summary>The figures of two models on the same labelled rows, from their predictions alone.</summary>
internal sealed record Comparison(
    long Rows,
    EvaluationMetrics Metrics,
    double Agreement,
    double NegativeFlips,
    double PositiveFlips,
    NonFiniteRows NonFinite,
    IReadOnlyList<ClassAccuracy> PerClass)
{
    /// <summary>A prediction of this value is of a row whose outputs were not finite; it is wrong and agrees with nothing.</summary>
    public const int NoClass = -1;

    public static Comparison Of(IReadOnlyList<int> labels, ReadOnlySpan<int> baseline, ReadOnlySpan<int> candidate, IReadOnlyList<string> names)
    {
        int rows = labels.Count;
        int classes = Math.Max(names.Count, rows == 0 ? 0 : labels.Max() + 1);
        long[] total = new long[classes], baselineRight = new long[classes], candidateRight = new long[classes];
        long agree = 0, lost = 0, gained = 0, baselineBroken = 0, candidateBroken = 0;
        for (int i = 0; i < rows; i++)
        {
            int label = labels[i];
            bool before = baseline[i] == label;
            bool after = candidate[i] == label;
            total[label]++;
            baselineRight[label] += before ? 1 : 0;
            candidateRight[label] += after ? 1 : 0;
            agree += baseline[i] == candidate[i] && baseline[i] != NoClass ? 1 : 0;
            lost += before && !after ? 1 : 0;
            gained += after && !before ? 1 : 0;
            baselineBroken += baseline[i] == NoClass ? 1 : 0;
            candidateBroken += candidate[i] == NoClass ? 1 : 0;
        }

        double Share(long count) => rows == 0 ? 0 : (double)count / rows;
        (double lower, double upper) = PairedDifference.Interval(rows, lost, gained);
        AccuracyMetric accuracy = new(
            Share(baselineRight.Sum()),
            Share(candidateRight.Sum()),
            Share(gained - lost),
            [lower, upper],
            PairedDifference.Confidence,
            PairedDifference.Method);
        return new Comparison(
            rows,
            new EvaluationMetrics(accuracy),
            Share(agree),
            Share(lost),
            Share(gained),
            new NonFiniteRows(baselineBroken, candidateBroken),
            [.. Enumerable.Range(0, classes).Select(c => PerClassOf(c, names, total[c], baselineRight[c], candidateRight[c]))]);
    }

    /// <summary>Judges the figures by the suite; the order of the criteria is fixed.</summary>
    public IReadOnlyList<CriterionResult> Judge(Suite suite)
    {
        AccuracyMetric accuracy = Metrics.Accuracy;
        List<CriterionResult> results =
        [
            AtLeast("minRows", suite.MinRows, Rows),
            AtMost("maxAccuracyDrop", suite.MaxAccuracyDrop, -accuracy.Difference),
            AtMost("maxNonFinite", suite.MaxNonFinite, NonFinite.Candidate),
        ];
        if (suite.MaxClassAccuracyDrop is { } classDrop)
        {
            results.Add(AtMost("maxClassAccuracyDrop", classDrop, WorstClass is { Difference: { } difference } ? -difference : 0));
        }

        if (suite.MinAgreement is { } agreement)
        {
            results.Add(AtLeast("minAgreement", agreement, Agreement));
        }

        if (suite.MaxNegativeFlips is { } flips)
        {
            results.Add(AtMost("maxNegativeFlips", flips, NegativeFlips));
        }

        return results;
    }

    /// <summary>The class that lost most; null where no class has rows.</summary>
    public ClassAccuracy? WorstClass => PerClass.Where(c => c.Difference is not null).MinBy(c => c.Difference);

    public string Sentence(CriterionResult missed)
    {
        string seen = missed.Seen.ToString("0.####", CultureInfo.InvariantCulture);
        string limit = missed.Limit.ToString("0.####", CultureInfo.InvariantCulture);
        string where = missed.Name == "maxClassAccuracyDrop" && WorstClass is { } worst ? $" (class {worst.Class}, {worst.Label})" : "";
        return $"{missed.Name}: {seen}{where} where {(missed.Direction == "max" ? "at most" : "at least")} {limit} is asked";
    }

    private static CriterionResult AtMost(string name, double limit, double seen) =>
        // Shares are quotients of counts; a difference in the last bit must not decide.
        new(name, "max", limit, seen, seen <= limit + 1e-12);

    private static CriterionResult AtLeast(string name, double limit, double seen) => new(name, "min", limit, seen, seen >= limit - 1e-12);

    private static ClassAccuracy PerClassOf(int number, IReadOnlyList<string> names, long rows, long baselineRight, long candidateRight)
    {
        string label = number < names.Count ? names[number] : number.ToString(CultureInfo.InvariantCulture);
        return rows == 0
            ? new ClassAccuracy(number, label, 0, null, null, null)
            : new ClassAccuracy(
                number, label, rows, (double)baselineRight / rows, (double)candidateRight / rows, (double)(candidateRight - baselineRight) / rows);
    }
}

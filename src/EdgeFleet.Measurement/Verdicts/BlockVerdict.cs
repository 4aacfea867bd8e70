using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Verdicts;

/// <summary>
/// What paired blocks say against their margins. Pure: the same blocks, margins and look give the same verdict wherever it is
/// computed again. Each metric is a test of non-inferiority by its interval: pass where the upper end is below ln(1 + margin),
/// fail where the lower end is above. A pass needs all required metrics, which needs no correction for their number
/// (intersection-union: Berger, Technometrics 24, 1982); one that fails, required or not, fails the whole.
/// </summary>
/// <param name="Verdict">Pass, fail or inconclusive.</param>
/// <param name="Difference">Of the first metric, the one that the blocks are timed by.</param>
/// <param name="Metrics">One verdict for each metric, in the order given.</param>
/// <param name="GoOn">Undecided, and the blocks up to the next look could decide it.</param>
/// <param name="Sentence">Why, in one sentence with numbers.</param>
public sealed record BlockVerdict(Verdict Verdict, Difference Difference, IReadOnlyList<MetricVerdict> Metrics, bool GoOn, string Sentence)
{
    /// <summary>The first metric.</summary>
    public MetricVerdict Primary => Metrics[0];

    /// <param name="look">Where the run stands among its looks. Between them nothing is decided.</param>
    /// <param name="metrics">The first is what the look's blocks are counted by; others may have fewer valid ones.</param>
    /// <param name="soundness">Whether the run may decide anything.</param>
    /// <exception cref="ArgumentException">
    /// No metric is required, the first has not as many blocks as the look, another has more, a name comes twice, or ratios
    /// are out of range.
    /// </exception>
    public static BlockVerdict Of(SequentialLook look, IReadOnlyList<MetricBlocks> metrics, Soundness soundness)
    {
        Check(look, metrics);
        List<MetricVerdict> verdicts = [.. metrics.Select(metric => MetricVerdict.Of(metric, look.Alpha))];
        Verdict said = verdicts.Exists(metric => metric.Verdict == Verdict.Fail) ? Verdict.Fail
            : verdicts.Where(metric => metric.Required).All(metric => metric.Verdict == Verdict.Pass) ? Verdict.Pass
            : Verdict.Inconclusive;

        List<string> caps = [];
        AddIf(soundness.NotSteady is not null, $"the warm-up was not steady ({soundness.NotSteady})");
        AddIf(soundness.Unstable is not null, $"the environment is unstable ({soundness.Unstable})");
        bool sound = caps.Count == 0;
        // Blocks that could not be measured are why there are fewer than a look asks for; that is said already.
        AddIf(look.Number is null && soundness.Unstable is null, look.NextBlocks is { } at ? $"{look.Blocks} blocks are no planned look, the next is at {at}" : $"{look.Blocks} blocks are no planned look and past the last");

        // What was read once, before the first block, is too much whatever happened to the blocks.
        bool tooMuch = verdicts.Zip(metrics).Any(pair => pair.Second.TakenOnce && pair.First.Verdict == Verdict.Fail);
        Verdict verdict = caps.Count == 0 || tooMuch ? said : Verdict.Inconclusive;
        bool open = verdict == Verdict.Inconclusive && (look.Number is null || verdicts.Exists(metric => metric.Required && metric.CanStillBeDecided));
        return new BlockVerdict(verdict, verdicts[0].Difference, verdicts, sound && look.MayGoOn && open, $"{verdict.Word()}: {string.Join("; ", caps.Concat(verdicts.Select(InWords)))}");

        void AddIf(bool holds, string cap)
        {
            if (holds)
            {
                caps.Add(cap);
            }
        }
    }

    private static string InWords(MetricVerdict metric) => metric.Required ? metric.Sentence : $"{metric.Sentence} (not required)";

    private static void Check(SequentialLook look, IReadOnlyList<MetricBlocks> metrics)
    {
        if (!metrics.Any(metric => metric.Required))
        {
            throw new ArgumentException("no metric is required, so anything would pass", nameof(metrics));
        }
        if (metrics.Select(metric => metric.Name).Distinct(StringComparer.Ordinal).Count() < metrics.Count)
        {
            throw new ArgumentException("a metric is there twice", nameof(metrics));
        }
        if (metrics[0].LogRatios.Count != look.Blocks)
        {
            throw new ArgumentException($"{metrics[0].Name} has {metrics[0].LogRatios.Count} blocks, the look {look.Blocks}", nameof(metrics));
        }
        if (metrics.FirstOrDefault(metric => metric.LogRatios.Count > look.Blocks && !metric.TakenOnce) is { } more)
        {
            throw new ArgumentException($"{more.Name} has {more.LogRatios.Count} blocks, the look only {look.Blocks}", nameof(metrics));
        }
    }
}

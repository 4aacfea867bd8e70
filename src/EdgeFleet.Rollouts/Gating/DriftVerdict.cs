using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.Distributions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// How far the candidate's answers lie from the baseline's on the same inputs, in nats, and how far chance alone takes two samples
/// of that size. Fixed limits such as "PSI 0.1" mean another thing at every size.
/// </summary>
public sealed record DriftVerdict
{
    /// <summary><c>scores</c> (confidence of the answer) or <c>classes</c> (the answer).</summary>
    public required string What { get; init; }

    /// <summary>Answers of the candidate.</summary>
    public required long Rows { get; init; }

    /// <summary>Population stability index, Kullback-Leibler of the candidate from the baseline, Jensen-Shannon.</summary>
    public required double PopulationStability { get; init; }
    public required double KullbackLeibler { get; init; }
    public required double JensenShannon { get; init; }

    /// <summary>The population stability index of the baseline's second run; null where it has none.</summary>
    public double? OfBaseline { get; init; }

    /// <summary>What the index exceeds without any drift in one case of a hundred.</summary>
    public required double Limit { get; init; }

    internal static IReadOnlyList<DriftVerdict> Of(ClassTicks? ticks) => ticks is null ? [] :
    [
        .. Of("scores", ticks.Answers.BaselineScores, ticks.Answers.CandidateScores, ticks.Answers.NoiseScores),
        .. Of("classes", ticks.Answers.BaselineTop1, ticks.Answers.CandidateTop1, ticks.Answers.NoiseTop1),
    ];

    private static IEnumerable<DriftVerdict> Of(string what, IReadOnlyList<long> baseline, IReadOnlyList<long> candidate, IReadOnlyList<long> noise)
    {
        // Bins that nobody ever filled say nothing, and would widen the limit.
        int[] used = [.. Enumerable.Range(0, Math.Min(baseline.Count, candidate.Count)).Where(bin => baseline[bin] + candidate[bin] > 0)];
        long n = used.Sum(bin => baseline[bin]), m = used.Sum(bin => candidate[bin]);
        if (used.Length < 2 || n == 0 || m == 0)
        {
            yield break;
        }
        double[] q = Divergence.Shares([.. used.Select(bin => baseline[bin])]), p = Divergence.Shares([.. used.Select(bin => candidate[bin])]);
        long[] again = [.. used.Select(bin => bin < noise.Count ? noise[bin] : 0)];
        yield return new DriftVerdict
        {
            What = what,
            Rows = m,
            PopulationStability = Divergence.PopulationStability(p, q),
            KullbackLeibler = Divergence.KullbackLeibler(p, q),
            JensenShannon = Divergence.JensenShannon(p, q),
            OfBaseline = again.Sum() == 0 ? null : Divergence.PopulationStability(Divergence.Shares(again), q),
            Limit = DriftLimit.WithoutDrift(used.Length, n, m),
        };
    }
}

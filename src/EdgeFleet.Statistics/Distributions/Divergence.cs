using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.Distributions;

/// <summary>
/// How far two distributions over the same bins lie apart, in nats. None of these has a limit that means the same at every
/// sample size: compare with <see cref="DriftLimit"/>.
/// </summary>
public static class Divergence
{
    /// <summary>Kullback-Leibler: Σ p ln(p/q); infinite where q lacks a bin that p has.</summary>
    /// <param name="p">Shares that add up to 1.</param>
    /// <param name="q">As many.</param>
    /// <exception cref="ArgumentException">No distributions over the same bins.</exception>
    public static double KullbackLeibler(IReadOnlyList<double> p, IReadOnlyList<double> q)
    {
        Check(p, q);
        double sum = 0;
        for (int bin = 0; bin < p.Count; bin++)
        {
            sum += Term(p[bin], q[bin]);
        }
        return sum;
    }

    /// <summary>Population stability index: Σ (p - q) ln(p/q), Kullback-Leibler both ways.</summary>
    public static double PopulationStability(IReadOnlyList<double> p, IReadOnlyList<double> q) => KullbackLeibler(p, q) + KullbackLeibler(q, p);

    /// <summary>Jensen-Shannon: the mean Kullback-Leibler from either to their middle; between 0 and ln 2. Its root is a distance.</summary>
    public static double JensenShannon(IReadOnlyList<double> p, IReadOnlyList<double> q)
    {
        Check(p, q);
        double sum = 0;
        for (int bin = 0; bin < p.Count; bin++)
        {
            double middle = (p[bin] + q[bin]) / 2;
            sum += Term(p[bin], middle) + Term(q[bin], middle);
        }
        // Rounding may leave two equal distributions a last bit below 0.
        return Math.Max(0, sum / 2);
    }

    /// <summary>Shares of counts with half an observation added to each bin, so that an empty bin is rare and not impossible.</summary>
    /// <exception cref="ArgumentException">No bins, or a count below 0.</exception>
    public static double[] Shares(IReadOnlyList<long> counts)
    {
        if (counts.Count == 0 || counts.Any(count => count < 0))
        {
            throw new ArgumentException("there is at least one bin, and no count is negative", nameof(counts));
        }
        double all = counts.Sum() + (0.5 * counts.Count);
        return [.. counts.Select(count => (count + 0.5) / all)];
    }

    private static double Term(double p, double q) => p == 0 ? 0 : q == 0 ? double.PositiveInfinity : p * PortableMath.Log(p / q);

    private static void Check(IReadOnlyList<double> p, IReadOnlyList<double> q)
    {
        if (p.Count != q.Count)
        {
            throw new ArgumentException($"{p.Count} bins against {q.Count}", nameof(q));
        }
        Check(p, nameof(p));
        Check(q, nameof(q));
    }

    private static void Check(IReadOnlyList<double> shares, string name)
    {
        double sum = 0;
        foreach (double share in shares)
        {
            if (!(share >= 0))
            {
                throw new ArgumentException(FormattableString.Invariant($"{share} is no share"), name);
            }
            sum += share;
        }
        if (!(Math.Abs(sum - 1) <= 1e-9))
        {
            throw new ArgumentException(FormattableString.Invariant($"the shares add up to {sum}"), name);
        }
    }
}

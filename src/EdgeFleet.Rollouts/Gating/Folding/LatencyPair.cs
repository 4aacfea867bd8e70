using EdgeFleet.Core.Evidence;
using EdgeFleet.Statistics.Functions;
using EdgeFleet.Statistics.Sketches;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>Latencies of both models on the same pairs, added up exactly in whatever order.</summary>
/// <param name="Baseline">Null before the first.</param>
/// <param name="Candidate">Null before the first.</param>
public readonly record struct LatencyPair(LatencyBins? Baseline, LatencyBins? Candidate)
{
    internal long Count => Candidate?.Count.Sum() ?? 0;

    internal LatencyPair With(GateTick tick) => tick.CandidateLatency is null ? this
        : new LatencyPair(Merged(Baseline, tick.BaselineLatency!), Merged(Candidate, tick.CandidateLatency));

    /// <summary>log of the ratio of a quantile; null without values.</summary>
    internal double? LogRatio(double quantile) =>
        Quantile(Candidate, quantile) is { } candidate && Quantile(Baseline, quantile) is { } baseline ? PortableMath.Log(candidate / baseline) : null;

    private static double? Quantile(LatencyBins? bins, double quantile)
    {
        if (bins is null)
        {
            return null;
        }
        double rank = quantile * (bins.Count.Sum() - 1);
        long seen = 0;
        for (int i = 0; i < bins.Index.Count; i++)
        {
            seen += bins.Count[i];
            if (seen > rank)
            {
                return LatencySketch.ValueOf(bins.Index[i]);
            }
        }
        return null;
    }

    private static LatencyBins Merged(LatencyBins? one, LatencyBins other)
    {
        if (one is null)
        {
            return other;
        }
        List<int> index = new(one.Index.Count + 8);
        List<long> count = new(one.Index.Count + 8);
        for (int i = 0, j = 0; i < one.Index.Count || j < other.Index.Count;)
        {
            bool left = j == other.Index.Count || (i < one.Index.Count && one.Index[i] <= other.Index[j]);
            bool right = i == one.Index.Count || (j < other.Index.Count && other.Index[j] <= one.Index[i]);
            index.Add(left ? one.Index[i] : other.Index[j]);
            count.Add((left ? one.Count[i++] : 0) + (right ? other.Count[j++] : 0));
        }
        return new LatencyBins(index, count);
    }
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Statistics.Sketches;

namespace EdgeFleet.Agent.Trials;

/// <summary>The durations of one arm in one tick, as a sketch that can be merged.</summary>
internal sealed class LatencyCounter
{
    private LatencySketch _sketch = new();

    public void Add(double micros) => _sketch.Add(micros);

    /// <summary>The tick's sketch, and begins anew; null without values.</summary>
    public LatencyBins? Finish()
    {
        LatencyBins? bins = _sketch.Count == 0 ? null : Bounded(_sketch.Bins);
        _sketch = new LatencySketch();
        return bins;
    }

    /// <summary>As many of the highest bins as a tick may hold; what lies below is counted in the lowest of them.</summary>
    internal static LatencyBins Bounded(IReadOnlyList<SketchBin> bins)
    {
        int cut = Math.Max(0, bins.Count - LatencyBins.Maximum);
        long below = bins.Take(cut).Sum(bin => bin.Count);
        return new LatencyBins(
            [.. bins.Skip(cut).Select(bin => bin.Index)],
            [.. bins.Skip(cut).Select((bin, i) => bin.Count + (i == 0 ? below : 0))]);
    }
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Exceedances of one high quantile, tick by tick. Its threshold is what this process has seen of the baseline in earlier ticks:
/// a worker that starts again has none until it has seen enough, because clocks, heat and caches may have changed meanwhile.
/// </summary>
internal sealed class TailCounter(double quantile, double margin)
{
    private readonly ExceedancePairs _pairs = new(quantile, margin);
    private (long Worse, long Better) _before;
    private int _observed;

    public void Observe(double baselineMicros, double candidateMicros)
    {
        _pairs.Observe(baselineMicros, candidateMicros);
        _observed++;
    }

    /// <summary>Ends a tick; null while earlier ticks had too few pairs to tell the threshold, and without pairs.</summary>
    public TailExceedances? Finish()
    {
        TailExceedances? tail = _pairs.Threshold is { } threshold && _observed > 0
            ? new TailExceedances
            {
                Quantile = quantile,
                ThresholdMicros = threshold,
                Margin = margin,
                Worse = (int)(_pairs.Worse - _before.Worse),
                Better = (int)(_pairs.Better - _before.Better),
                Pairs = _observed,
            }
            : null;
        _pairs.EndTick();
        (_before, _observed) = ((_pairs.Worse, _pairs.Better), 0);
        return tail;
    }
}

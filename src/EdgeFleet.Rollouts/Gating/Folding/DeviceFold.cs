namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>Adds up one device's ticks. What needs them in order waits for a few that may have been overtaken.</summary>
internal sealed class DeviceFold(GateScales scales, bool census)
{
    private readonly List<GateTick> _waiting = [];
    private readonly bool _quantiles = scales.Guardrails.Any(scale => scale.Asked.Metric is GateMetric.LatencyP95 or GateMetric.LatencyP99);
    private CensusSeries[] _census = census ? [.. scales.Metrics.Select(CensusSeries.Start)] : [];
    private MetricWord[] _words = census ? [] : [.. scales.Guardrails.Select(_ => new MetricWord())];
    private LabelPairs _labels;
    private DeviceEvidence? _evidence;
    private long _pairs, _disagreements, _logLatencySum, _latencyTicks;
    private long _settled = long.MinValue;

    /// <summary>By its number in the class.</summary>
    public long? NewestTick { get; private set; }

    /// <summary>What is added to the device's own numbers to get those of the class.</summary>
    public long Offset { get; set; }

    public DeviceEvidence Evidence => _evidence ??= new DeviceEvidence
    {
        NewestTick = NewestTick,
        Pairs = _pairs,
        Disagreements = _disagreements,
        LogLatencySum = _logLatencySum,
        LatencyTicks = _latencyTicks,
        Labels = _labels,
        Words = [.. _words],
        Census = [.. _census],
        Waiting = [.. _waiting],
    };

    public void Take(GateTick tick)
    {
        _evidence = null;
        _pairs += tick.Pairs;
        _disagreements += tick.Disagreements;
        if (tick is { Pairs: > 0, MedianLogLatencyRatio: { } ratio })
        {
            _logLatencySum += FixedPoint.Of(ratio);
            _latencyTicks++;
        }
        _labels += tick.Labels ?? default;
        // Nothing asks for the order any more.
        if ((!census && Array.TrueForAll(_words, word => word.Said is not null)) || tick.Tick <= _settled)
        {
            return;
        }
        int at = _waiting.Count;
        while (at > 0 && _waiting[at - 1].Tick > tick.Tick)
        {
            at--;
        }
        _waiting.Insert(at, Needed(tick));
        while (_waiting.Count > scales.Rules.WaitingTicks)
        {
            Settle(_waiting[0]);
            _waiting.RemoveAt(0);
        }
    }

    // The class has its part already; what nobody will ask the device's own order for is not carried along, nor stored with verdicts.
    private GateTick Needed(GateTick tick) => tick with
    {
        Slices = null,
        Answers = null,
        BaselineLatency = _quantiles ? tick.BaselineLatency : null,
        CandidateLatency = _quantiles ? tick.CandidateLatency : null,
    };

    /// <summary>A tick of the device was taken into the class.</summary>
    public void Counted(long classTick)
    {
        _evidence = null;
        NewestTick = Math.Max(NewestTick ?? long.MinValue, classTick);
    }

    private void Settle(GateTick tick)
    {
        _settled = tick.Tick;
        for (int i = 0; i < _words.Length; i++)
        {
            _words[i] = _words[i].Said is null ? scales.Guardrails[i].Say(_words[i], tick) : _words[i];
        }
        _census = [.. _census.Select((series, i) => series.With(scales.Metrics[i], tick, scales.Rules))];
    }
}

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>Adds up one device's ticks. What needs them in order waits for a few that may have been overtaken.</summary>
internal sealed class DeviceFold(GateScales scales, bool census)
{
    private readonly long _enough = scales.Margins.PairsPerDevice;
    private readonly List<GateTick> _waiting = [];
    private CensusSeries[] _census = census ? [.. scales.Metrics.Select(CensusSeries.Start)] : [];
    private DeviceWord _word = new();
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
        Word = _word,
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
        // Nothing asks for the order any more.
        if ((!census && _word.Pairs >= _enough) || tick.Tick <= _settled)
        {
            return;
        }
        int at = _waiting.Count;
        while (at > 0 && _waiting[at - 1].Tick > tick.Tick)
        {
            at--;
        }
        _waiting.Insert(at, tick);
        while (_waiting.Count > scales.Rules.WaitingTicks)
        {
            Settle(_waiting[0]);
            _waiting.RemoveAt(0);
        }
    }

    /// <summary>A tick of the device was taken into the class.</summary>
    public void Counted(long classTick)
    {
        _evidence = null;
        NewestTick = Math.Max(NewestTick ?? long.MinValue, classTick);
    }

    private void Settle(GateTick tick)
    {
        _settled = tick.Tick;
        _word = _word.With(tick, _enough);
        _census = [.. _census.Select((series, i) => series.With(scales.Metrics[i], tick))];
    }
}

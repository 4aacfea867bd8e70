using System.Collections.Immutable;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>
/// Adds up the ticks that devices of one class report after its noise was frozen. The same reports in the order in which they
/// were stored give the same evidence to the last bit, so it can be made again at any time; and so do the same reports in
/// another order, as long as none is half a window of ticks late.
/// </summary>
public sealed class ClassFold
{
    private readonly GateScales _scales;
    private readonly GateCalibration _calibration;
    private readonly bool _census;
    private readonly Dictionary<string, DeviceFold> _devices = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, OpenTick> _open = [];
    private readonly TickSeries[] _closed;
    private DateTimeOffset? _first;
    private long _now;
    private long _ahead;
    private LatencyPair _latency;
    private AnswerCounts _answers = AnswerCounts.None;
    private ArmTotals? _arms;
    private readonly SortedDictionary<string, SliceTotal> _slices = new(StringComparer.Ordinal);

    /// <summary>Starts without any tick.</summary>
    /// <param name="margins">As they were frozen.</param>
    /// <param name="calibration">The noise of the class; its ticks are not judged.</param>
    /// <param name="rules">The gate's fixed numbers.</param>
    /// <param name="classSize">Devices that were drawn.</param>
    public ClassFold(GateMargins margins, GateCalibration calibration, GateRules rules, int classSize)
    {
        _scales = new GateScales(margins, calibration, rules);
        _calibration = calibration;
        _census = classSize < rules.CensusBelowDevices;
        _closed = [.. _scales.Metrics.Select(scale => TickSeries.Start(scale.HarmNull))];
    }

    /// <summary>Evidence of the class.</summary>
    public ClassTicks Ticks => new()
    {
        Closed = [.. _closed],
        Open = [.. _open.Select(open => open.Value.Sum(open.Key))],
        Slices = [.. _slices.Values],
        Answers = _answers,
        Latency = _latency,
        Arms = _arms,
        Ahead = _ahead,
    };

    /// <summary>Evidence of one device; null before it had a tick that is judged.</summary>
    public DeviceEvidence? Of(string deviceId) => _devices.GetValueOrDefault(deviceId)?.Evidence;

    /// <summary>Takes one tick in.</summary>
    /// <param name="deviceId">Who reported it, each tick once.</param>
    /// <param name="tick">What it reported.</param>
    /// <param name="at">When it was stored, by the controller's clock: nobody can be further than the time since the first allows.</param>
    public void Take(string deviceId, GateTick tick, DateTimeOffset at)
    {
        if (_calibration.LastTick.TryGetValue(deviceId, out long last) && tick.Tick <= last)
        {
            return;
        }
        if (!_devices.TryGetValue(deviceId, out DeviceFold? device))
        {
            _devices[deviceId] = device = new DeviceFold(_scales, _census);
        }
        _first ??= at;
        // A clock that was set back does not take back what was closed.
        _now = Math.Max(_now, (long)((at - _first.Value).TotalMilliseconds / _scales.Margins.TickMilliseconds));
        device.Take(tick);
        _latency = _latency.With(tick);
        _answers = _answers.With(tick);
        _arms = ArmTotals.Sum(_arms, tick.Arms);
        foreach (SliceCounts slice in tick.Slices ?? [])
        {
            CountSlice(slice);
        }
        if (Place(device, tick.Tick) is { } number)
        {
            device.Counted(number);
            if (!_open.TryGetValue(number, out OpenTick? open))
            {
                _open[number] = open = new OpenTick(_scales.Metrics.Count);
            }
            open.Add(_scales, tick);
            foreach (SliceCounts slice in tick.Slices ?? [])
            {
                if (slice.Pairs > 0 && _slices.ContainsKey(KeyOf(slice)))
                {
                    open.Add(KeyOf(slice), slice);
                }
            }
        }
        while (_open.Count > 0 && _open.First() is var (oldest, sums) && oldest < _now - _scales.Rules.HalfWindowTicks)
        {
            Close(oldest, sums);
        }
    }

    /// <summary>
    /// The tick's number in the class: its own, as long as that is within half a window of where the class is by the clock. A device
    /// that joins late is heard from now on, one that was away from the window's end on. None gets ahead of the clock by that.
    /// </summary>
    private long? Place(DeviceFold device, long tick)
    {
        long earliest = _now - _scales.Rules.HalfWindowTicks;
        long latest = device.Offset > 0 ? _now : _now + _scales.Rules.HalfWindowTicks;
        // A stranger's number may be anything.
        Int128 asked = (Int128)tick + device.Offset;
        if (asked >= earliest && asked <= latest)
        {
            return (long)asked;
        }
        long placed = device.NewestTick is { } newest ? Math.Max(asked < earliest ? earliest : _now, newest + 1) : _now;
        if (placed > _now)
        {
            _ahead++;
            return null;
        }
        device.Offset = placed - tick;
        return placed;
    }

    /// <summary>
    /// A tick counts once half of the devices that can still report it have done so; a slow minority cannot hold it up, and a device
    /// that runs ahead does not speak alone. Half a window later those are the devices that went on to it.
    /// </summary>
    private void Close(long number, OpenTick sums)
    {
        _open.Remove(number);
        int possible = _devices.Values.Count(device => device.NewestTick >= number);
        if (2 * sums.Devices < possible)
        {
            return;
        }
        for (int i = 0; i < _closed.Length; i++)
        {
            if (sums.Metric(i).Mean is { } mean)
            {
                _closed[i] = _closed[i].With(mean, _scales.Rules);
            }
        }
        foreach (SliceSum slice in sums.Slices)
        {
            SliceTotal total = _slices[slice.Key];
            _slices[slice.Key] = slice.Observed.Mean is { } mean ? total with { Closed = total.Closed.With(mean, _scales.Rules) } : total;
        }
    }

    private static string KeyOf(SliceCounts slice) => $"{slice.Name}={slice.Value}";

    private void CountSlice(SliceCounts slice)
    {
        // A stranger's names would fill the table and crowd out those that were asked for.
        if (slice.Pairs == 0 || !_scales.Margins.Slices.Names.TryGetValue(slice.Name, out IReadOnlyList<string>? values)
            || (slice.Value != SliceCounts.Other && !values.Contains(slice.Value, StringComparer.Ordinal)))
        {
            return;
        }
        string key = KeyOf(slice);
        SliceTotal total = _slices.GetValueOrDefault(key) ?? new SliceTotal { Key = key, Closed = TickSeries.Start(_scales.SliceNull) };
        _slices[key] = total with { Pairs = total.Pairs + slice.Pairs, Disagreements = total.Disagreements + slice.Disagreements };
    }

    private sealed class OpenTick(int metrics)
    {
        private readonly MetricSum[] _sums = new MetricSum[metrics];
        private SortedDictionary<string, MetricSum>? _slices;

        public int Devices { get; private set; }

        public MetricSum Metric(int index) => _sums[index];

        public void Add(GateScales scales, GateTick tick)
        {
            Devices++;
            for (int i = 0; i < _sums.Length; i++)
            {
                if (scales.Metrics[i].OfTick(tick) is { } observed)
                {
                    _sums[i] = new MetricSum(_sums[i].Sum + FixedPoint.Of(observed), _sums[i].Devices + 1);
                }
            }
        }

        public IEnumerable<SliceSum> Slices => _slices?.Select(slice => new SliceSum(slice.Key, slice.Value)) ?? [];

        public void Add(string key, SliceCounts slice)
        {
            _slices ??= new SortedDictionary<string, MetricSum>(StringComparer.Ordinal);
            MetricSum sum = _slices.GetValueOrDefault(key);
            _slices[key] = new MetricSum(sum.Sum + FixedPoint.Of((double)slice.Disagreements / slice.Pairs), sum.Devices + 1);
        }

        public TickSum Sum(long number) => new() { Tick = number, Devices = Devices, Metrics = ImmutableArray.Create(_sums), Slices = [.. Slices] };
    }
}

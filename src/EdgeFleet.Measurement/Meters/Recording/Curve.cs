namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>
/// The power over a window as a chain of pieces. Between two readings of power it is a line; between two of a counter it is
/// their mean. The first and the last piece reach beyond the window's edges.
/// </summary>
internal readonly ref struct Curve
{
    private readonly EnergySample[] _good;
    private readonly long _from;
    private readonly long _to;
    private readonly double _frequency;
    private readonly bool _counter;

    public Curve(ReadOnlySpan<EnergySample> samples, long from, long to, long frequency, bool counter)
    {
        (_from, _to, _frequency, _counter) = (from, to, frequency, counter);
        _good = [.. samples.ToArray().Where(sample => !sample.IsAbsent)];
        Joules = counter ? At(to) - At(from) : Trapezoids();
    }

    public double Joules { get; }

    /// <summary>
    /// u(E)² = (gain·E)² + (offset·T)² + (q·T/√(12 N))² + (s·T/√N_eff)² + edges². Where all readings lie within one quantum,
    /// averaging does not help and the whole quantum counts. A counter has two readings and no sampling error.
    /// </summary>
    public EnergyUncertainty Uncertainty(MeterIdentity meter, double seconds, int inside)
    {
        double? gain = meter.Accuracy.GainShare * Math.Abs(Joules);
        double? offset = meter.Accuracy.OffsetWatts * seconds;
        if (_counter)
        {
            return new EnergyUncertainty(gain, offset, meter.QuantumJoules * Math.Sqrt(2.0 / 12), 0, Edges());
        }
        double[] watts = new double[inside];
        int count = 0;
        foreach (EnergySample sample in _good)
        {
            if (sample.Ticks >= _from && sample.Ticks <= _to)
            {
                watts[count++] = sample.Value;
            }
        }
        bool still = watts.Max() - watts.Min() < (meter.QuantumWatts ?? 0) || watts.Max() == watts.Min();
        double? quantum = meter.QuantumWatts * seconds / Math.Sqrt(12.0 * (still ? 1 : inside));
        (double deviation, double independent) = Spread(watts);
        return new EnergyUncertainty(gain, offset, quantum, deviation * seconds / Math.Sqrt(independent), Edges());
    }

    private double Trapezoids()
    {
        double joules = 0;
        for (int i = 1; i < _good.Length; i++)
        {
            long begin = Math.Max(_good[i - 1].Ticks, _from), end = Math.Min(_good[i].Ticks, _to);
            if (end > begin)
            {
                joules += (Between(i, begin) + Between(i, end)) / 2 * ((end - begin) / _frequency);
            }
        }
        return joules;
    }

    /// <summary>The counter at a moment between its readings.</summary>
    private double At(long ticks)
    {
        for (int i = 1; i < _good.Length; i++)
        {
            if (ticks <= _good[i].Ticks)
            {
                return Between(i, ticks);
            }
        }
        return _good[^1].Value;
    }

    private double Between(int i, long ticks)
    {
        (EnergySample left, EnergySample right) = (_good[i - 1], _good[i]);
        return right.Ticks == left.Ticks ? right.Value
            : left.Value + ((right.Value - left.Value) * ((ticks - left.Ticks) / (double)(right.Ticks - left.Ticks)));
    }

    /// <summary>
    /// At each edge: what the power may have done between the two readings around it, for as long as it was not seen, and how
    /// well the moment of the reading is known.
    /// </summary>
    private double Edges()
    {
        double begin = Edge(1, next: 2), end = Edge(_good.Length - 1, next: _good.Length - 2);
        return Math.Sqrt((begin * begin) + (end * end));
    }

    /// <param name="next">The piece beside it inside the window: between two readings of a counter nothing was seen.</param>
    private double Edge(int piece, int next)
    {
        double length = (_good[piece].Ticks - _good[piece - 1].Ticks) / _frequency;
        double change = _counter
            ? _good.Length < 3 ? 0 : Math.Abs(MeanWatts(piece) - MeanWatts(next))
            : Math.Abs(_good[piece].Value - _good[piece - 1].Value);
        double watts = _counter ? MeanWatts(piece) : (_good[piece].Value + _good[piece - 1].Value) / 2;
        double timing = Math.Max(_good[piece].HalfTicks, _good[piece - 1].HalfTicks) / _frequency * Math.Abs(watts);
        return Math.Sqrt((length * change * length * change) + (timing * timing));
    }

    private double MeanWatts(int piece) => _good[piece].Ticks == _good[piece - 1].Ticks ? 0
        : (_good[piece].Value - _good[piece - 1].Value) * _frequency / (_good[piece].Ticks - _good[piece - 1].Ticks);

    /// <summary>
    /// Standard deviation, and as how many independent readings these count: N(1-r)/(1+r) with r the correlation of
    /// neighbours. Never as more than there are.
    /// </summary>
    private static (double Deviation, double Independent) Spread(double[] values)
    {
        double mean = values.Average(), squares = 0, neighbours = 0;
        for (int i = 0; i < values.Length; i++)
        {
            squares += (values[i] - mean) * (values[i] - mean);
            neighbours += i > 0 ? (values[i] - mean) * (values[i - 1] - mean) : 0;
        }
        if (squares == 0)
        {
            return (0, values.Length);
        }
        double correlation = Math.Clamp(neighbours / squares, 0, 0.99);
        return (Math.Sqrt(squares / (values.Length - 1)), Math.Max(1, values.Length * (1 - correlation) / (1 + correlation)));
    }
}

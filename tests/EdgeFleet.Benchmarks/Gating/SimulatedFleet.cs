namespace EdgeFleet.Benchmarks.Gating;

/// <summary>A cohort that shadows a candidate of a known ratio: pairs of the same input on the same device, tick by tick.</summary>
internal sealed class SimulatedFleet
{
    public const int PairsPerTick = 3;
    private const double ThrottledBy = 0.47;

    private readonly FleetNoise _noise;
    private readonly Dice _dice;
    private readonly double _logRatio;
    private readonly double[] _own;
    private readonly double[] _effect;
    private readonly double[] _environment;
    private readonly bool[] _throttled;
    private double _movement;

    public SimulatedFleet(FleetNoise noise, double ratio, Dice dice)
    {
        _noise = noise;
        _dice = dice;
        _logRatio = Math.Log(ratio);
        int devices = noise.Devices;
        _own = [.. Enumerable.Range(0, devices).Select(_ => noise.DeviceSd * dice.Normal())];
        _effect = new double[devices];
        for (int d = 0; d < devices; d++)
        {
            _effect[d] = !noise.CohortIsExact ? noise.EffectSd * dice.Normal()
                : d % 2 == 1 ? -_effect[d - 1]
                : d == devices - 1 ? 0
                : noise.EffectSd * dice.Normal();
        }
        _environment = [.. Enumerable.Range(0, devices).Select(_ => noise.EnvironmentSd * dice.Normal())];
        _throttled = [.. Enumerable.Range(0, devices).Select(_ => noise.Throttling && dice.Chance(1.0 / 6))];
        _movement = noise.EffectMovementSd * dice.Normal();
        LogRatios = new double[devices];
        Baseline = new double[devices];
        Candidate = new double[devices];
    }

    /// <summary>Median log ratio of each device in the tick.</summary>
    public double[] LogRatios { get; }

    /// <summary>Mean latency of each device in the tick, where it was asked for.</summary>
    public double[] Baseline { get; }

    public double[] Candidate { get; }

    /// <summary>A device's mean log ratio of the baseline against itself in a tick.</summary>
    public double AgainstItself(int device)
    {
        double sum = 0;
        for (int pair = 0; pair < PairsPerTick; pair++)
        {
            (double first, double second) = (Inference(device), Inference(device) + _noise.SecondSlot);
            sum += _dice.Flip() ? second - first : first - second;
        }
        return sum / PairsPerTick;
    }

    /// <summary>The next tick of all devices.</summary>
    /// <param name="withLatencies">Whether the latencies are asked for too, and not only their ratios.</param>
    public void Tick(bool withLatencies = false)
    {
        if (_noise.EffectMovementSd > 0)
        {
            _movement = Next(_movement, _noise.EffectPhi, _noise.EffectMovementSd);
        }
        Span<double> ratios = stackalloc double[PairsPerTick];
        for (int device = 0; device < _own.Length; device++)
        {
            double baselineSum = 0, candidateSum = 0;
            for (int pair = 0; pair < PairsPerTick; pair++)
            {
                bool candidateFirst = _noise.CoinOrder && _dice.Flip();
                (double first, double second) = (Inference(device), Inference(device) + _noise.SecondSlot);
                double baseline = _own[device] + (candidateFirst ? second : first);
                double candidate = _own[device] + _logRatio + _effect[device] + _movement + (candidateFirst ? first : second);
                ratios[pair] = candidate - baseline;
                if (withLatencies)
                {
                    baselineSum += Math.Exp(baseline);
                    candidateSum += Math.Exp(candidate);
                }
            }
            // The median of three.
            LogRatios[device] = Math.Max(Math.Min(ratios[0], ratios[1]), Math.Min(Math.Max(ratios[0], ratios[1]), ratios[2]));
            Baseline[device] = baselineSum / PairsPerTick;
            Candidate[device] = candidateSum / PairsPerTick;
        }
    }

    private double Inference(int device)
    {
        double log = _noise.InferenceSd * (_noise.HeavyTails ? _dice.HeavyTailed() : _dice.Normal());
        if (_noise.EnvironmentSd > 0)
        {
            _environment[device] = Next(_environment[device], _noise.EnvironmentPhi, _noise.EnvironmentSd);
            log += _environment[device];
        }
        if (_noise.Throttling)
        {
            _throttled[device] ^= _dice.Chance(_throttled[device] ? 0.05 : 0.01);
            log += _throttled[device] ? ThrottledBy : 0;
        }
        return log;
    }

    private double Next(double at, double phi, double sd) => (phi * at) + (sd * Math.Sqrt(1 - (phi * phi)) * _dice.Normal());
}

using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The noise of a class: the baseline against itself on the first ticks of each device. Those ticks only calibrate; what
/// is judged comes after them, so the range and the noise floor never depend on the data that they are used on.
/// </summary>
public sealed record GateCalibration
{
    public required int NoisePairs { get; init; }
    public required int NoiseDisagreements { get; init; }

    /// <summary>Share of inputs on which the baseline disagrees with itself.</summary>
    public required double NoiseRate { get; init; }

    /// <summary>One-sided 95 % upper bound of it.</summary>
    public required double NoiseRateUpper { get; init; }

    /// <summary>Sd of one tick's latency log ratio under no difference; null with too few ticks to tell.</summary>
    public double? LatencyNoiseSd { get; init; }

    /// <summary>Half width of the range of latency log ratios that counts.</summary>
    public required double LatencyWidthLogRatio { get; init; }

    /// <summary>Last tick of each device that was used here and is not judged.</summary>
    public required IReadOnlyDictionary<string, long> LastTick { get; init; }

    /// <summary>Calibrates once there is enough; null and the reason before.</summary>
    /// <param name="ticks">What was reported so far.</param>
    /// <param name="devices">The class's devices in the frozen enrolment order: sums are the same to the last bit each time.</param>
    /// <param name="margins">As they were frozen.</param>
    /// <param name="waitingFor">What lacks; empty when nothing does.</param>
    public static GateCalibration? TryFreeze(CalibrationTicks ticks, IEnumerable<string> devices, GateMargins margins, out string waitingFor)
    {
        List<(string DeviceId, IReadOnlyList<GateTick> Ticks)> usable = [.. devices.Select(id => (id, ticks.Of(id))).Where(device => device.Item2.Count > 0)];
        int longest = usable.Count == 0 ? 0 : usable.Max(d => d.Ticks.Count);
        if (longest < margins.CalibrationTicks)
        {
            waitingFor = $"{longest} of {margins.CalibrationTicks} calibration ticks"
                + (longest == 0 && ticks.Any ? "; the shadow runs and no device has had a request to compare: do applications ask the model?" : "");
            return null;
        }
        int noisePairs = usable.Sum(d => d.Ticks.Take(margins.CalibrationTicks - 1).Sum(t => t.NoisePairs));
        for (int take = margins.CalibrationTicks; take <= longest; take++)
        {
            noisePairs += usable.Sum(d => take <= d.Ticks.Count ? d.Ticks[take - 1].NoisePairs : 0);
            if (noisePairs >= margins.CalibrationNoisePairs)
            {
                waitingFor = "";
                return Freeze([.. usable.Select(d => (d.DeviceId, d.Ticks.Take(take).ToList()))], noisePairs);
            }
        }
        waitingFor = $"{noisePairs} of {margins.CalibrationNoisePairs} pairs of the baseline against itself";
        return null;
    }

    private static GateCalibration Freeze(List<(string DeviceId, List<GateTick> Ticks)> devices, int noisePairs)
    {
        int disagreements = devices.Sum(d => d.Ticks.Sum(t => t.NoiseDisagreements));
        double? sd = LatencyNoise(devices.SelectMany(d => d.Ticks));
        return new GateCalibration
        {
            NoisePairs = noisePairs,
            NoiseDisagreements = disagreements,
            NoiseRate = (double)disagreements / noisePairs,
            NoiseRateUpper = BlockEstimator.UpperRate(disagreements, noisePairs),
            LatencyNoiseSd = sd,
            LatencyWidthLogRatio = Math.Min(LogRatioMap.Create(0, sd).WidthLogRatio, GateRules.Current.MaximumWidthLogRatio),
            LastTick = devices.ToDictionary(d => d.DeviceId, d => d.Ticks[^1].Tick, StringComparer.Ordinal),
        };
    }

    // A tick's noise mean rests on fewer pairs than its candidate figure; scaled to as many, about a true mean of 0.
    private static double? LatencyNoise(IEnumerable<GateTick> ticks)
    {
        double squares = 0;
        int n = 0;
        foreach (GateTick tick in ticks)
        {
            if (tick.NoiseMeanLogLatencyRatio is { } noise && tick.NoisePairs > 0)
            {
                squares += noise * noise * tick.NoisePairs / tick.Pairs;
                n++;
            }
        }
        return n < 2 ? null : Math.Sqrt(squares / n);
    }
}

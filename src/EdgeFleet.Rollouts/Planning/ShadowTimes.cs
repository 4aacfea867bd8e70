using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>How long evidence takes to gather on the devices of one shadow.</summary>
/// <param name="policy">Sampling and ticks.</param>
/// <param name="devices">Devices that shadow.</param>
/// <param name="measured">Pairs a second as an earlier rollout found them; null for the most that the policy lets a device make.</param>
internal sealed class ShadowTimes(PolicySpec policy, int devices, double? measured)
{
    private readonly EvidenceSpec _evidence = policy.Evidence;

    public double PairsPerSecond { get; } = Math.Min(measured ?? double.MaxValue, policy.Evidence.MaximumPairsPerSecond);

    /// <summary>Inferences a second that a device must serve to make so many pairs.</summary>
    public double RequestsPerSecond => PairsPerSecond / (_evidence.SamplingPercent / 100);

    private TimeSpan Tick => TimeSpan.FromMilliseconds(_evidence.TickMilliseconds);

    /// <summary>Until the noise of the class is known: ticks of each device, and pairs of the baseline against itself of all.</summary>
    public TimeSpan Calibration
    {
        get
        {
            double noisePairsPerSecond = PairsPerSecond * _evidence.NoisePercent / 100 * Math.Max(devices, 1);
            return Ticks(Math.Max(_evidence.CalibrationTicks * Tick.TotalSeconds, _evidence.CalibrationNoisePairs / noisePairsPerSecond));
        }
    }

    /// <summary>Until a device has made so many pairs.</summary>
    public TimeSpan Pairs(double pairs) => Ticks(pairs / PairsPerSecond);

    /// <summary>Until one device has made so many observations; null where they come from labels, whose pace nobody knows here.</summary>
    public TimeSpan? Observations(MetricPlan metric, int observations) => metric.SizeUnit switch
    {
        "tick" => observations * Tick,
        "pairs" => Pairs((double)observations * metric.Size),
        _ => null,
    };

    /// <summary>Until every metric has what a candidate needs that is as good as can be told.</summary>
    public TimeSpan Perfect(IReadOnlyList<MetricPlan> metrics, bool census) =>
        metrics.Select(m => Observations(m, census ? m.Perfect ?? 0 : 1)).OfType<TimeSpan>().DefaultIfEmpty(TimeSpan.Zero).Max();

    // Devices report whole ticks.
    private TimeSpan Ticks(double seconds) => Math.Ceiling(Math.Round(seconds / Tick.TotalSeconds, 6)) * Tick;
}

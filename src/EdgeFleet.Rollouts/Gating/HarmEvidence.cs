using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The rollback question: is what runs now harmed beyond the margin? One bet per tick and metric; the metrics' e-values
/// are averaged with weights, which is an e-process whatever the metrics have to do with each other.
/// </summary>
internal sealed class HarmEvidence
{
    private HarmEvidence(GateScales scales, IEnumerable<TickSeries> metrics) =>
        Metrics = [.. metrics.Select((series, i) => new MetricHarm(scales.Metrics[i], series))];

    /// <summary>In the order of the scales.</summary>
    public IReadOnlyList<MetricHarm> Metrics { get; }

    /// <summary>log of the weighted average; a metric without weight has no say.</summary>
    public double LogE
    {
        get
        {
            (double Weight, double LogE)[] weighted = [.. Metrics.Where(metric => metric.Scale.Asked.Weight > 0).Select(metric => (metric.Scale.Asked.Weight, metric.Series.LogE))];
            if (weighted.Length == 0)
            {
                return 0;
            }
            double largest = weighted.Max(metric => metric.LogE);
            double sum = 0, weights = 0;
            foreach ((double weight, double logE) in weighted)
            {
                sum += weight * PortableMath.Exp(logE - largest);
                weights += weight;
            }
            return largest + PortableMath.Log(sum / weights);
        }
    }

    /// <summary>Evidence of one device of a census on its own ticks.</summary>
    public static HarmEvidence OfDevice(IEnumerable<CensusSeries> settled, GateScales scales) => new(scales, settled.Select(series => series.Harm));

    /// <summary>
    /// Evidence of a class: the mean over its devices, tick by tick. A tick counts once half of the devices that can
    /// still report it have done so; a slow minority cannot hold it up, and a device that runs ahead does not speak alone.
    /// </summary>
    /// <param name="ticks">Null: nothing was reported yet.</param>
    /// <param name="devices">Those whose ticks were added up.</param>
    /// <param name="scales">The metrics.</param>
    public static HarmEvidence OfClass(ClassTicks? ticks, IReadOnlyList<GateDevice> devices, GateScales scales)
    {
        if (ticks is null)
        {
            return new HarmEvidence(scales, scales.Metrics.Select(scale => TickSeries.Start(scale.HarmNull)));
        }
        IReadOnlyList<TickSum> counted = Counted(ticks, devices);
        return new HarmEvidence(scales, ticks.Closed.Select((series, i) => series.With(counted.Select(tick => tick.Metrics[i].Mean).OfType<double>(), scales.Rules)));
    }

    /// <summary>The open ticks that half of the devices that can still report them have reported.</summary>
    public static IReadOnlyList<TickSum> Counted(ClassTicks ticks, IReadOnlyList<GateDevice> devices)
    {
        int reporting = devices.Count(StillReports);
        // The others can report what they had reached.
        long[] reached = [.. devices.Where(device => !StillReports(device)).Select(device => device.Evidence?.NewestTick).OfType<long>().Order()];
        List<TickSum> counted = [];
        int behind = 0;
        foreach (TickSum tick in ticks.Open)
        {
            while (behind < reached.Length && reached[behind] < tick.Tick)
            {
                behind++;
            }
            if (2 * tick.Devices >= reporting + reached.Length - behind)
            {
                counted.Add(tick);
            }
        }
        return counted;
    }

    private static bool StillReports(GateDevice device) => device.Shadowing && device.Standing is not DeviceStanding.Missing;
}

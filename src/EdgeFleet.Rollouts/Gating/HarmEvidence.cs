using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The rollback question: is what runs now harmed beyond the margin? One bet per tick and metric; the metrics' e-values
/// are averaged with weights, which is an e-process whatever the metrics have to do with each other.
/// </summary>
internal sealed class HarmEvidence
{
    private HarmEvidence(GateScales scales, IEnumerable<List<GateTick>> reportedByTick)
    {
        List<List<GateTick>> ticks = [.. reportedByTick];
        Metrics = [.. scales.Metrics.Select(scale => MetricHarm.Of(scale, ticks))];
    }

    /// <summary>In the order of the scales.</summary>
    public IReadOnlyList<MetricHarm> Metrics { get; }

    /// <summary>log of the weighted average; a metric without weight has no say.</summary>
    public double LogE
    {
        get
        {
            (double Weight, double LogE)[] weighted = [.. Metrics.Where(metric => metric.Scale.Asked.Weight > 0).Select(metric => (metric.Scale.Asked.Weight, metric.State.LogE))];
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

    /// <summary>Evidence of one device on its own ticks.</summary>
    public static HarmEvidence OfDevice(GateDevice device, GateScales scales) => new(scales, scales.Judged(device).Select(tick => new List<GateTick> { tick }));

    /// <summary>
    /// Evidence of a class: the mean over its devices, tick by tick. A tick counts once half of the devices that can
    /// still report it have done so; a slow minority cannot hold it up, and a device that runs ahead does not speak alone.
    /// </summary>
    public static HarmEvidence OfClass(IReadOnlyList<GateDevice> devices, GateScales scales) => new(scales, ByTick(devices, scales));

    private static IEnumerable<List<GateTick>> ByTick(IReadOnlyList<GateDevice> devices, GateScales scales)
    {
        List<GateTick>[] ticks = [.. devices.Select(d => scales.Judged(d).ToList())];
        bool[] stillReports = [.. devices.Select(d => d.Shadowing && d.Standing is not DeviceStanding.Missing)];
        int[] next = new int[ticks.Length];
        while (true)
        {
            long tick = long.MaxValue;
            for (int i = 0; i < ticks.Length; i++)
            {
                if (next[i] < ticks[i].Count)
                {
                    tick = Math.Min(tick, ticks[i][next[i]].Tick);
                }
            }
            if (tick == long.MaxValue)
            {
                yield break;
            }
            List<GateTick> reported = [];
            int possible = 0;
            for (int i = 0; i < ticks.Length; i++)
            {
                bool more = next[i] < ticks[i].Count;
                possible += more || stillReports[i] ? 1 : 0;
                if (more && ticks[i][next[i]].Tick == tick)
                {
                    reported.Add(ticks[i][next[i]++]);
                }
            }
            if (2 * reported.Count >= possible)
            {
                yield return reported;
            }
        }
    }
}

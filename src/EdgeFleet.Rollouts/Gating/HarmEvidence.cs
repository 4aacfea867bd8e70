using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The rollback question: is what runs now harmed beyond the margin? One bet per tick and metric; the metrics' e-values
/// are averaged with weights, which is an e-process whatever the metrics have to do with each other.
/// </summary>
internal sealed class HarmEvidence
{
    private readonly GateScales _scales;

    private HarmEvidence(GateScales scales, IEnumerable<List<GateTick>> reportedByTick)
    {
        _scales = scales;
        List<double> disagreements = [], latencies = [];
        foreach (List<GateTick> reported in reportedByTick)
        {
            Average(reported, disagreements, latencies);
        }
        DisagreementAutocorrelation = BlockEstimator.Autocorrelation(disagreements);
        LatencyAutocorrelation = BlockEstimator.Autocorrelation(latencies);
        Disagreement = BettingEProcess.Observe(BettingEProcess.StartHarm(scales.DisagreementHarmNull), disagreements);
        Latency = BettingEProcess.Observe(BettingEProcess.StartHarm(LogRatioMap.NullMean), latencies);
    }

    public BettingState Disagreement { get; }

    public BettingState Latency { get; }

    public double? DisagreementAutocorrelation { get; }

    public double? LatencyAutocorrelation { get; }

    /// <summary>log of the weighted average.</summary>
    public double LogE
    {
        get
        {
            double weightDisagreement = _scales.DisagreementGates ? _scales.Margins.WeightDisagreement : 0;
            double weightLatency = _scales.Margins.WeightLatencyP50;
            if (weightDisagreement == 0)
            {
                return Latency.LogE;
            }
            double d = Disagreement.LogE, l = Latency.LogE;
            double largest = Math.Max(d, l);
            double sum = (weightDisagreement * PortableMath.Exp(d - largest)) + (weightLatency * PortableMath.Exp(l - largest));
            return largest + PortableMath.Log(sum / (weightDisagreement + weightLatency));
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
        List<GateTick> reported = [];
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
            reported.Clear();
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

    // Devices of one tick in enrolment order: the sums are the same to the last bit each time.
    private void Average(List<GateTick> reported, List<double> disagreements, List<double> latencies)
    {
        double disagreement = 0, latency = 0;
        int withPairs = 0, withLatency = 0;
        foreach (GateTick tick in reported)
        {
            if (tick.Pairs > 0)
            {
                disagreement += (double)tick.Disagreements / tick.Pairs;
                withPairs++;
            }
            if (tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio)
            {
                latency += _scales.Latency.ToUnit(ratio);
                withLatency++;
            }
        }
        if (withPairs > 0)
        {
            disagreements.Add(Math.Min(disagreement / withPairs, 1));
        }
        if (withLatency > 0)
        {
            latencies.Add(Math.Min(latency / withLatency, 1));
        }
    }
}

using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The promotion question: is harm below the margin? For a large class one bet per device along the frozen order; for a
/// device of a census one bet per window of its own ticks.
/// </summary>
internal sealed record PromotionEvidence(BettingState Disagreement, BettingState Latency, string DisagreementUnit, string LatencyUnit)
{
    public const string Device = "device";
    public const string Window = "window";
    public const string Tick = "tick";

    /// <summary>
    /// The longest prefix of the enrolment order whose devices are final: enough pairs, or the worst value for one that
    /// failed or is missing. Taking devices as they finish would be a selection of the fast ones.
    /// </summary>
    public static PromotionEvidence OfClass(GateInput input, GateScales scales, List<MissingEvidence> missing)
    {
        BettingState disagreement = BettingEProcess.StartPromotion(scales.DisagreementPromotionNull, input.ClassSize);
        BettingState latency = BettingEProcess.StartPromotion(LogRatioMap.NullMean, input.ClassSize);
        foreach (GateDevice device in input.Devices)
        {
            if (device.Standing.IsAside())
            {
                continue;
            }
            (long pairs, long disagreements, double? median) = FirstPairs(device, scales);
            bool complete = pairs >= scales.Margins.PairsPerDevice;
            if (device.Standing == DeviceStanding.Failed || (!complete && device.Standing == DeviceStanding.Missing))
            {
                disagreement = BettingEProcess.Observe(disagreement, 1);
                latency = BettingEProcess.Observe(latency, 1);
                continue;
            }
            if (!complete)
            {
                missing.Add(new MissingEvidence(MissingCodes.Pairs, device.DeviceId, $"{device.DeviceId} has {pairs} of {scales.Margins.PairsPerDevice} pairs"));
                break;
            }
            disagreement = BettingEProcess.Observe(disagreement, scales.DisagreementUnit(disagreements, pairs));
            latency = BettingEProcess.Observe(latency, median is { } ratio ? scales.Latency.ToUnit(ratio) : 1);
        }
        return new PromotionEvidence(disagreement, latency, Device, Device);
    }

    /// <summary>A device's own evidence.</summary>
    public static PromotionEvidence OfDevice(GateDevice device, GateScales scales)
    {
        List<double> windows = [], latencies = [];
        long pairs = 0, disagreements = 0;
        foreach (GateTick tick in scales.Judged(device))
        {
            pairs += tick.Pairs;
            disagreements += tick.Disagreements;
            if (pairs >= scales.PairsPerWindow)
            {
                windows.Add(scales.DisagreementUnit(disagreements, pairs));
                (pairs, disagreements) = (0, 0);
            }
            if (tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio)
            {
                latencies.Add(scales.Latency.ToUnit(ratio));
            }
        }
        return new PromotionEvidence(
            BettingEProcess.Observe(BettingEProcess.StartPromotion(scales.DisagreementPromotionNull), windows),
            BettingEProcess.Observe(BettingEProcess.StartPromotion(LogRatioMap.NullMean), latencies),
            Window,
            Tick);
    }

    // The first ticks that reach the asked number of pairs: what a device said does not change when more arrives.
    private static (long Pairs, long Disagreements, double? MedianLogRatio) FirstPairs(GateDevice device, GateScales scales)
    {
        long pairs = 0, disagreements = 0;
        List<double> ratios = [];
        foreach (GateTick tick in scales.Judged(device))
        {
            pairs += tick.Pairs;
            disagreements += tick.Disagreements;
            if (tick.Pairs > 0 && tick.MedianLogLatencyRatio is { } ratio)
            {
                ratios.Add(ratio);
            }
            if (pairs >= scales.Margins.PairsPerDevice)
            {
                break;
            }
        }
        return (pairs, disagreements, BlockEstimator.Median(ratios)?.Median);
    }
}

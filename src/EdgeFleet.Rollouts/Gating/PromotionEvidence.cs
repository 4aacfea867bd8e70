using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The promotion question: is harm below the margin? For a large class one bet per device along the frozen order; for a
/// device of a census its own ticks.
/// </summary>
internal sealed class PromotionEvidence
{
    private const string Device = "device";

    private PromotionEvidence(IReadOnlyList<MetricPromotion> metrics) => Metrics = metrics;

    /// <summary>In the order of the scales.</summary>
    public IReadOnlyList<MetricPromotion> Metrics { get; }

    /// <summary>
    /// The longest prefix of the enrolment order whose devices are final: enough pairs, or the worst value for one that
    /// failed or is missing. Taking devices as they finish would be a selection of the fast ones.
    /// </summary>
    public static PromotionEvidence OfClass(GateInput input, GateScales scales, List<MissingEvidence> missing)
    {
        List<DeviceFigures?> said = [];
        foreach (GateDevice device in input.Devices.Where(device => !device.Standing.IsAside()))
        {
            DeviceFigures figures = device.Evidence?.SettledWord(scales.Margins.PairsPerDevice).Figures ?? default;
            bool complete = figures.Pairs >= scales.Margins.PairsPerDevice;
            if (device.Standing == DeviceStanding.Failed || (!complete && device.Standing == DeviceStanding.Missing))
            {
                said.Add(null);
                continue;
            }
            if (!complete)
            {
                missing.Add(new MissingEvidence(MissingCodes.Pairs, device.DeviceId, $"{device.DeviceId} has {figures.Pairs} of {scales.Margins.PairsPerDevice} pairs"));
                break;
            }
            said.Add(figures);
        }
        return new PromotionEvidence([.. scales.Metrics.Select(scale => new MetricPromotion(
            BettingEProcess.Observe(
                BettingEProcess.StartPromotion(scale.PromotionNull, input.ClassSize),
                said.Select(figures => figures is { } known ? scale.OfDevice(known) : 1)),
            Device))]);
    }

    /// <summary>A device's own evidence.</summary>
    public static PromotionEvidence OfDevice(IEnumerable<CensusSeries> settled, GateScales scales) =>
        new([.. settled.Select((series, i) => new MetricPromotion(series.Promotion, scales.Metrics[i].CensusUnit))]);
}

/// <summary>One metric's answer to the promotion question.</summary>
/// <param name="State">After all that was said.</param>
/// <param name="Unit">What one bet is, for people.</param>
internal sealed record MetricPromotion(BettingState State, string Unit);

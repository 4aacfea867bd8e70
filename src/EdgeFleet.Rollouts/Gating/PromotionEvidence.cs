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

    private PromotionEvidence(IReadOnlyList<MetricPromotion?> metrics) => Metrics = metrics;

    /// <summary>In the order of the scales; null for one that no promotion needs.</summary>
    public IReadOnlyList<MetricPromotion?> Metrics { get; }

    /// <summary>
    /// The longest prefix of the enrolment order whose devices have said their word of a metric, or the worst value for one that
    /// failed or is missing. Taking devices as they finish would be a selection of the fast ones.
    /// </summary>
    public static PromotionEvidence OfClass(GateInput input, GateScales scales, List<MissingEvidence> missing)
    {
        List<(GateDevice Device, IReadOnlyList<MetricWord>? Words)> asked =
            [.. input.Devices.Where(device => !device.Standing.IsAside()).Select(device => (device, device.Evidence?.SettledWords(scales)))];
        Dictionary<GateMetric, MetricPromotion> promotions = [];
        for (int i = 0; i < scales.Guardrails.Count; i++)
        {
            IMetricScale scale = scales.Guardrails[i];
            promotions[scale.Asked.Metric] = new MetricPromotion(
                BettingEProcess.Observe(BettingEProcess.StartPromotion(scale.PromotionNull, input.ClassSize), Said(scale, i, asked, missing)), Device);
        }
        return new PromotionEvidence([.. scales.Metrics.Select(scale => promotions.GetValueOrDefault(scale.Asked.Metric))]);
    }

    private static List<double> Said(IMetricScale scale, int index, List<(GateDevice Device, IReadOnlyList<MetricWord>? Words)> asked, List<MissingEvidence> missing)
    {
        List<double> said = [];
        foreach ((GateDevice device, IReadOnlyList<MetricWord>? words) in asked)
        {
            MetricWord? word = index < words?.Count ? words[index] : null;
            if (device.Standing == DeviceStanding.Failed || (word?.Said is null && device.Standing == DeviceStanding.Missing))
            {
                said.Add(1);
                continue;
            }
            if (word?.Said is not { } value)
            {
                // Metrics that ask for the same lack the same.
                MissingEvidence lacks = new(MissingCodes.Pairs, device.DeviceId, $"{device.DeviceId} has {word?.Count ?? 0} of {scale.Enough.Count} {scale.Enough.Unit}");
                if (!missing.Contains(lacks))
                {
                    missing.Add(lacks);
                }
                break;
            }
            said.Add(value);
        }
        return said;
    }

    /// <summary>A device's own evidence.</summary>
    public static PromotionEvidence OfDevice(IEnumerable<CensusSeries> settled, GateScales scales) =>
        new([.. settled.Select((series, i) => scales.Metrics[i].Asked.Gates ? new MetricPromotion(series.Promotion, scales.Metrics[i].CensusUnit) : null)]);
}

/// <summary>One metric's answer to the promotion question.</summary>
/// <param name="State">After all that was said.</param>
/// <param name="Unit">What one bet is, for people.</param>
internal sealed record MetricPromotion(BettingState State, string Unit);

using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Metrics;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>How much evidence one metric's margin needs in a class, from the gate's own e-process, for three candidates.</summary>
public sealed record MetricPlan
{
    public required GateMetric Metric { get; init; }
    public required double Margin { get; init; }

    /// <summary><c>points</c> or <c>percent</c>.</summary>
    public required string MarginUnit { get; init; }

    /// <summary>What is counted: <c>device</c>, or in a census <c>window</c> or <c>tick</c> on each device.</summary>
    public required string Observation { get; init; }

    /// <summary>For a candidate that is as good as the scale can tell; null where no number is enough.</summary>
    public int? Perfect { get; init; }

    /// <summary>For one that does exactly as the baseline.</summary>
    public int? AsBaseline { get; init; }

    /// <summary>For one that uses half of its margin.</summary>
    public int? HalfMargin { get; init; }

    /// <param name="margins">What was or will be frozen.</param>
    /// <param name="classSize">Devices of the class; null in a census, where each device is asked by itself.</param>
    /// <param name="latencyWidth">Half width of the range of latency log ratios that counts.</param>
    internal static IReadOnlyList<MetricPlan> Of(GateMargins margins, int? classSize, double latencyWidth) =>
        [.. MetricMargin.Of(margins).Where(asked => asked.Gates).Select(asked => Of(asked, margins, classSize, latencyWidth)).OfType<MetricPlan>()];

    // What a device would say on the metric's scale of 0 to 1, without and with half of the margin, and where the null lies.
    private static MetricPlan? Of(MetricMargin asked, GateMargins margins, int? classSize, double latencyWidth)
    {
        switch (asked.Metric)
        {
            case GateMetric.Disagreement:
                double atMargin = GateRules.Current.DisagreementPromotionNull;
                return Of(asked, "window", atMargin, 0, atMargin / 2);
            case GateMetric.LatencyP50:
                LogRatioMap map = new(PortableMath.Log(1 + (asked.Margin / 100)), latencyWidth);
                return Of(asked, "tick", LogRatioMap.NullMean, map.ToUnit(0), map.ToUnit(PortableMath.Log(1 + (asked.Margin / 200))));
            default:
                return null;
        }

        MetricPlan Of(MetricMargin asked, string ofCensus, double nullMean, double asBaseline, double halfMargin) => new()
        {
            Metric = asked.Metric,
            Margin = asked.Margin,
            MarginUnit = asked.Unit,
            Observation = classSize is null ? ofCensus : "device",
            Perfect = DeviceFloor.Minimum(nullMean, margins.AlphaPromotion, classSize),
            AsBaseline = DeviceFloor.Minimum(nullMean, margins.AlphaPromotion, classSize, asBaseline),
            HalfMargin = DeviceFloor.Minimum(nullMean, margins.AlphaPromotion, classSize, halfMargin),
        };
    }
}

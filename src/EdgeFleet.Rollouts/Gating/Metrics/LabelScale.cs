using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>
/// What labels say that come later: the drop in accuracy, or the rise of the Brier score (proper, and additive where a calibration
/// error is neither). Each is a difference in [-1, 1] on the same rows, cut at some margins: on the whole range a drop of a few
/// points would hardly move a bet, and one flip of few rows would say everything. About a margin above zero the cut takes more from
/// losses than from gains, so noise does not look like harm.
/// </summary>
internal sealed class LabelScale : IMetricScale
{
    private readonly bool _brier;
    private readonly double _cap;
    private readonly double _harmCap;
    private readonly long _rowsPerWindow;

    public LabelScale(MetricMargin asked, GateRules rules, long rowsPerDevice)
    {
        double margin = asked.Margin / 100;
        (Asked, _brier) = (asked, asked.Metric == GateMetric.Brier);
        _cap = margin * rules.CapMargins;
        _harmCap = margin * rules.LabelHarmCapMargins;
        HarmNull = (1 + (1 / rules.LabelHarmCapMargins)) / 2;
        PromotionNull = (1 + (1 / rules.CapMargins)) / 2;
        Enough = (rowsPerDevice, "labelled rows");
        _rowsPerWindow = (long)Math.Ceiling(1 / margin);
    }

    public MetricMargin Asked { get; }

    public double Effective => Asked.Margin;

    public double HarmNull { get; }

    public double PromotionNull { get; }

    public string CensusUnit => "window";

    public (long Count, string Unit) Enough { get; }

    public double? OfTick(GateTick tick) => tick.Labels is { } labels && Difference(labels) is { } drop ? Cut(drop, _harmCap) : null;

    public MetricWord Say(MetricWord word, GateTick tick)
    {
        (long rows, long sum) = Add(word.Count, word.Events, tick);
        return rows < Enough.Count ? word with { Count = rows, Events = sum } : new MetricWord { Count = rows, Said = Mean(rows, sum) };
    }

    public (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick)
    {
        (long rows, long sum) = Add(open.Count, open.Events, tick);
        return rows < _rowsPerWindow ? (open with { Count = rows, Events = sum }, null) : (default, Mean(rows, sum));
    }

    public double? Estimate(DeviceFigures figures) => Difference(figures.Labels) * 100;

    private double? Difference(LabelPairs labels) =>
        _brier ? labels.BrierDifference : labels.Rows == 0 ? null : (double)(labels.Lost - labels.Gained) / labels.Rows;

    private (long Rows, long Sum) Add(long rows, long sum, GateTick tick) => tick.Labels is not { } labels ? (rows, sum)
        : _brier ? (rows + labels.BrierRows, sum + labels.BrierSum) : (rows + labels.Rows, sum + labels.Lost - labels.Gained);

    private double Mean(long rows, long sum) => Cut(_brier ? new LabelPairs(0, 0, 0, sum, rows).BrierDifference ?? 0 : (double)sum / rows, _cap);

    private static double Cut(double drop, double cap) => (Math.Clamp(drop / cap, -1, 1) + 1) / 2;
}

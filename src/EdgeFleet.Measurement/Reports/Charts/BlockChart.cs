using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>The ratio of every block in the order measured, with the estimate, its interval and the margin.</summary>
internal static class BlockChart
{
    public static XElement Of(LatencyEvidence latency, IReadOnlyList<BlockRecord> blocks)
    {
        Plot plot = new(300);
        List<(BlockRecord Block, double Ratio)> ratios = [.. blocks.Where(block => block.LogRatio is { } log && double.IsFinite(log)).Select(block => (block, Math.Exp(block.LogRatio!.Value)))];
        double margin = 1 + latency.Margin;
        double[] shown = [1, margin, .. ratios.Select(ratio => ratio.Ratio), .. latency.Interval ?? []];
        double room = (shown.Max() - shown.Min()) * 0.08;
        Scale y = new(shown.Min() - room, shown.Max() + room, plot.Floor, Plot.Ceiling);
        Scale x = new(Math.Min(-0.5, blocks.Min(block => block.Index) - 0.5), blocks.Max(block => block.Index) + 0.5, plot.From, Plot.To);
        plot.YAxis(y.Ticks(6).Select(value => (value, value.ToString("0.00#", CultureInfo.InvariantCulture))), y);
        if (latency.Interval is [var low, var high])
        {
            plot.Rectangle(plot.From, y.At(low), Plot.To, y.At(high), "band");
        }
        plot.Line(plot.From, y.At(1), Plot.To, y.At(1), "ink-line");
        // Below its line where the margin's name would stand on it.
        bool isNear = y.At(1) - y.At(margin) < 16;
        plot.Label(Plot.To - 4, y.At(1) + (isNear ? 15 : -5), "equal", "end", "strong");
        plot.Line(plot.From, y.At(margin), Plot.To, y.At(margin), "margin-line");
        plot.Label(Plot.To - 4, y.At(margin) - 5, $"margin {Figures.Change(margin)}", "end", "strong");
        if (latency.Ratio is { } estimate)
        {
            plot.Line(plot.From, y.At(estimate), Plot.To, y.At(estimate), "candidate-line");
        }
        foreach ((BlockRecord block, double ratio) in ratios)
        {
            string about = $"block {block.Index}, {block.Order}: {Figures.Ratio(ratio)}{(block.Causes.Count > 0 ? $", does not count: {string.Join("; ", block.Causes)}" : "")}";
            plot.Add(Element("circle", [("cx", x.At(block.Index)), ("cy", y.At(ratio)), ("r", 4.5), ("class", block.Causes.Count > 0 ? "void" : "dot")], Element("title", about)));
        }
        plot.XAxis(x, value => value.ToString("0", CultureInfo.InvariantCulture), "block, in the order measured");
        return plot.Figure(
            "Latency ratio of each block",
            "Each dot is the candidate's median latency over the baseline's within one block. The dashed line is the estimate, the band its interval. Hollow dots do not count.");
    }
}

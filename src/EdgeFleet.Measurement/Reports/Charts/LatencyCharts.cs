using System.Xml.Linq;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>The distributions of latency: how often, and how far out the tail goes.</summary>
internal static class LatencyCharts
{
    private const int Bins = 90;
    /// <summary>From this spread on equal ratios are drawn equally long, so that a tail leaves the bulk visible.</summary>
    private const double LogarithmicFrom = 4;
    /// <summary>The histogram shows the bulk; how far the tail goes is the other drawing's matter.</summary>
    private const double Trimmed = 0.01;

    public static XElement Histogram(PageContent content, double[] baseline, double[] candidate)
    {
        Plot plot = new(280);
        double[][] both = [.. new[] { baseline, candidate }.Where(samples => samples.Length > 0)];
        double low = both.Min(samples => Quantiles.At(samples, Trimmed)), high = both.Max(samples => Quantiles.At(samples, 1 - Trimmed));
        Scale x = new(low, high, plot.From, Plot.To, high > low * LogarithmicFrom);
        double[] baselineShares = Shares(baseline, x), candidateShares = Shares(candidate, x);
        double most = Math.Max(baselineShares.DefaultIfEmpty().Max(), candidateShares.DefaultIfEmpty().Max());
        Scale y = new(0, most * 1.05, plot.Floor, Plot.Ceiling);
        plot.YAxis(y.Ticks(4).Select(value => (value, Figures.Percent(value))), y);
        plot.XAxis(x, nanos => Figures.Micros(nanos / 1e3), Name("latency of an inference", x));
        Steps(plot, baselineShares, x, y, "baseline");
        Steps(plot, candidateShares, x, y, "candidate");
        int beyond = both.Sum(samples => samples.Count(value => value < low || value > high));
        return plot.Figure(
            "Histogram of the latencies of the blocks",
            [.. Legend.Of(content), $"Share of the samples of the blocks in each of {Bins} equal steps; {Sizes(content, baseline, candidate)}. {beyond} beyond the ends are left out here."]);
    }

    /// <summary>How many take longer: each line down is ten times fewer, so a tail of one in a thousand is to be seen.</summary>
    public static XElement Tail(PageContent content, double[] baseline, double[] candidate, string what)
    {
        Plot plot = new(280);
        double[][] both = [.. new[] { baseline, candidate }.Where(samples => samples.Length > 0)];
        double low = both.Min(samples => samples[0]), high = both.Max(samples => samples[^1]);
        double fewest = 1.0 / both.Max(samples => samples.Length);
        Scale x = new(low, high, plot.From, Plot.To, high > low * LogarithmicFrom);
        Scale y = new(fewest, 1, plot.Floor, Plot.Ceiling, logarithmic: true);
        plot.YAxis(new[] { (1, "all"), (0.5, "p50"), (0.1, "p90"), (0.01, "p99"), (0.001, "p99.9"), (0.0001, "p99.99"), (1e-5, "p99.999") }.Where(tick => tick.Item1 >= fewest), y);
        plot.XAxis(x, nanos => Figures.Micros(nanos / 1e3), Name("latency of an inference", x));
        Curve(plot, baseline, x, y, "baseline-line");
        Curve(plot, candidate, x, y, "candidate-line");
        return plot.Figure($"Share of inferences that take longer, {what}", [.. Legend.Of(content), $"Which share takes longer, {what}; {Sizes(content, baseline, candidate)}."]);
    }

    private static string Name(string what, Scale x) => x.IsLogarithmic ? $"{what} (logarithmic)" : what;

    private static string Sizes(PageContent content, double[] baseline, double[] candidate) => content.IsPaired
        ? $"{Figures.Number(baseline.Length)} samples of the baseline, {Figures.Number(candidate.Length)} of the candidate"
        : $"{Figures.Number(candidate.Length)} samples";

    private static double[] Shares(double[] samples, Scale x)
    {
        double[] shares = new double[samples.Length > 0 ? Bins : 0];
        foreach (double value in samples.Where(value => value >= x.Low && value <= x.High))
        {
            double share = (x.At(value) - x.From) / (x.To - x.From);
            shares[Math.Clamp((int)(share * Bins), 0, Bins - 1)] += 1.0 / samples.Length;
        }
        return shares;
    }

    private static void Steps(Plot plot, double[] shares, Scale x, Scale y, string model)
    {
        if (shares.Length == 0)
        {
            return;
        }
        List<(double X, double Y)?> points = [(x.From, y.At(0))];
        for (int i = 0; i < Bins; i++)
        {
            points.Add((Edge(i), y.At(shares[i])));
            points.Add((Edge(i + 1), y.At(shares[i])));
        }
        points.Add((x.To, y.At(0)));
        plot.Path(points, $"{model}-fill faint");
        plot.Path(points, $"{model}-line");

        double Edge(int bin) => Plot.Round(x.From + ((x.To - x.From) * bin / Bins));
    }

    private static void Curve(Plot plot, double[] sorted, Scale x, Scale y, string style)
    {
        const int points = 400;
        if (sorted.Length == 0)
        {
            return;
        }
        List<(double, double)?> line = [];
        for (int i = 0; i <= points; i++)
        {
            // Equal steps down the axis, so that the few of the tail get as many points as the many before it.
            double longer = Math.Max(y.ValueAt(1 - (i / (double)points)), 1.0 / sorted.Length);
            line.Add((x.At(Quantiles.At(sorted, 1 - longer)), y.At(longer)));
        }
        line.Add((x.At(sorted[^1]), y.At(1.0 / sorted.Length)));
        plot.Path(line, style);
    }
}

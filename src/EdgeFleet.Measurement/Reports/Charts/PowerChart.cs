using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>What the meter read over the whole time, over cells in their model's colour.</summary>
internal static class PowerChart
{
    /// <summary>More points than these are no longer told apart; of each group the least and the most are drawn.</summary>
    private const int MostGroups = 800;

    /// <param name="content">Whose cells and samples.</param>
    /// <param name="samples">In the order read; at least one of them answered.</param>
    public static XElement Of(PageContent content, IReadOnlyList<PowerSample> samples)
    {
        Plot plot = new(300);
        double[] watts = [.. samples.Select(Answer).OfType<double>()];
        double begin = samples[0].Seconds, end = samples[^1].Seconds;
        Scale x = new(begin, end, plot.From, Plot.To);
        Scale y = new(Math.Min(0, watts.Min()), watts.Max() * 1.08, plot.Floor, Plot.Ceiling);
        plot.YAxis(y.Ticks(5).Select(value => (value, $"{Figures.Number(value)} W")), y);
        plot.XAxis(x, value => $"{Figures.Number(value)} s", "since the beginning of the benchmark");
        foreach (RawCell cell in content.Raw!.Cells.Where(cell => cell.EndSeconds > begin && cell.BeginSeconds < end))
        {
            string about = $"block {cell.Block}, {(content.IsPaired ? cell.Model : "model")}{(cell.Counts ? "" : ", does not count")}";
            plot.Rectangle(x.At(cell.BeginSeconds), Plot.Ceiling, x.At(cell.EndSeconds), plot.Floor, $"{(cell.Model == "baseline" ? "baseline" : "candidate")}-fill faint", about);
        }
        plot.Path(Points(samples, x, y), "ink-line");
        if (content.Evidence.Energy.IdlePower is { State: not ReadingState.Absent, Value: { } idle })
        {
            plot.Line(plot.From, y.At(idle), Plot.To, y.At(idle), "soft-line");
            plot.Label(Plot.To - 4, y.At(idle) - 5, $"idle {Figures.Scaled(idle, "W")}", "end", "strong");
        }
        int silent = samples.Count(sample => Answer(sample) is null);
        return plot.Figure(
            "Power over time",
            [.. Legend.Of(content), $"{Figures.Number(samples.Count)} samples; cells stand in the colour of their model. ",
                silent > 0 ? $"{silent} samples did not answer; there the line is broken." : "Every sample answered."]);
    }

    private static IEnumerable<(double, double)?> Points(IReadOnlyList<PowerSample> samples, Scale x, Scale y)
    {
        int size = Math.Max(1, (samples.Count + MostGroups - 1) / MostGroups);
        foreach (PowerSample[] group in samples.Chunk(size))
        {
            if (group.Any(sample => Answer(sample) is null))
            {
                yield return null;
            }
            PowerSample[] answered = [.. group.Where(sample => Answer(sample) is not null)];
            if (answered.Length == 0)
            {
                continue;
            }
            PowerSample least = answered.MinBy(sample => sample.Watts)!, most = answered.MaxBy(sample => sample.Watts)!;
            foreach (PowerSample sample in new[] { least, most }.Distinct().OrderBy(sample => sample.Seconds))
            {
                yield return (x.At(sample.Seconds), y.At(sample.Watts!.Value));
            }
        }
    }

    private static double? Answer(PowerSample sample) => sample.Watts is { } watts && double.IsFinite(watts) ? watts : null;
}

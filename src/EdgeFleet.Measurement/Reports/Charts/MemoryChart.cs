using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>For each phase what is held, anonymous and of files apart, and the mark that it rose to meanwhile.</summary>
internal static class MemoryChart
{
    private const double Bar = 20, Gap = 8;

    public static XElement Of(PageContent content, IReadOnlyList<(string Model, ModelMemory Memory)> processes)
    {
        List<(string Model, MemoryPhase Phase)> bars = [.. processes.SelectMany(process => process.Memory.Phases.Select(phase => (process.Model, phase)))];
        Plot plot = new((bars.Count * (Bar + Gap)) + (Gap * processes.Count) + Plot.Top + Plot.Bottom, from: 226);
        double most = bars.Max(bar => Math.Max(bar.Phase.PeakBytes ?? 0, Held(bar.Phase)));
        Scale x = new(0, most / (1 << 20) * 1.05, plot.From, Plot.To);
        plot.XAxis(x, value => $"{Figures.Number(value)} MiB", "resident memory");
        double top = Plot.Top;
        string last = bars[0].Model;
        foreach ((string model, MemoryPhase phase) in bars)
        {
            top += model == last ? 0 : Gap;
            last = model;
            plot.Label(x.From - 8, top + 15, content.IsPaired ? $"{model}, {phase.Phase}" : phase.Phase, "end");
            double anonymous = x.At((phase.AnonymousBytes ?? 0) / (double)(1 << 20)), held = x.At(Held(phase) / (1 << 20));
            plot.Rectangle(x.From, top, anonymous, top + Bar, $"{model}-fill", phase.AnonymousBytes is { } a ? $"anonymous {Figures.Bytes(a)}" : null);
            plot.Rectangle(anonymous, top, held, top + Bar, $"{model}-fill faint", phase.FileBytes is { } f ? $"file {Figures.Bytes(f)}" : null);
            if (phase.PeakBytes is { } peak)
            {
                double at = x.At(peak / (double)(1 << 20));
                plot.Line(at, top - 2, at, top + Bar + 2, "ink-line");
            }
            top += Bar + Gap;
        }
        return plot.Figure("Memory in each phase", "Full colour: anonymous memory at the end of the phase, which must stay. Pale: pages of files, which the kernel may drop. Upright line: the peak within the phase.");
    }

    private static double Held(MemoryPhase phase) => (phase.AnonymousBytes ?? 0) + (phase.FileBytes ?? 0);
}

using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>Other settings and offered rates; nothing where none was asked for.</summary>
internal static class SweepSection
{
    public static XElement? Of(PageContent content) => content.Evidence.Sweep.Count == 0 ? null : Section(
        "Sweep",
        Table(["Settings", "Model", "p50", "p99", "Per second", "Peak memory"], content.Evidence.Sweep.Select(IReadOnlyList<object?> (result) =>
        [
            result.Point, content.IsPaired ? result.Model : "model",
            Cell(result.P50, result.Reason), Cell(result.P99, result.Reason),
            result.InferencesPerSecond is { } rate ? Figures.Number(rate) : Absent(result.Reason),
            Figures.Of(result.PeakMemory, result.Reason ?? "not measured"),
        ])));

    private static object Cell(Percentile? percentile, string? reason) => percentile?.Micros is { } micros ? Figures.Micros(micros) : Absent(percentile?.Reason ?? reason);
}

using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>Other settings and offered rates; nothing where none was asked for.</summary>
internal static class SweepSection
{
    public static XElement? Of(PageContent content) => content.Evidence.Sweep.Count == 0 ? null : Section(
        "Sweep",
        Table(["Settings", "Model", "p50", "p99", "Per second", "Peak memory"], content.Evidence.Sweep.Select(result => Row(content, result))));

    private static IReadOnlyList<object?> Row(PageContent content, SweepResult result)
    {
        string model = content.IsPaired ? result.Model : "model";
        // A point that could not be measured has one reason for all its figures.
        return result.Reason is { } reason
            ? [result.Point, model, Absent(reason), "", "", ""]
            :
            [
                result.Point, model, Cell(result.P50), Cell(result.P99),
                result.InferencesPerSecond is { } rate ? Figures.Number(rate) : Absent("not measured"),
                Figures.Of(result.PeakMemory, "not measured"),
            ];
    }

    private static object Cell(Percentile? percentile) => percentile?.Micros is { } micros ? Figures.Micros(micros) : Absent(percentile?.Reason ?? "not measured");
}

using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports.Charts;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

internal static class EnergySection
{
    public static XElement Of(PageContent content)
    {
        EnergyEvidence energy = content.Evidence.Energy;
        return Section(
            "Energy",
            energy.State == ReadingState.Absent ? Paragraph(Absent(energy.Reason)) : Paragraph(Sentence(energy)),
            energy.Candidate is null ? null : Models(content, energy.Baseline, energy.Candidate),
            Trace(content),
            energy.Meter is { Count: > 0 } meter ? Facts("Meter", meter) : null,
            energy.Others.Count == 0 ? null : Element("div", Paragraph("Meters that were not read:"), Element("ul", [.. energy.Others.Select(other => Element("li", other))])));
    }

    private static object?[] Sentence(EnergyEvidence energy) =>
    [
        energy.State == ReadingState.Modelled ? "Modelled, not measured, from " : "Measured by ", energy.Source ?? "a source that was not named", ". ",
        energy.Reason, energy.Reason is null ? null : " ",
        "Idle power: ", Figures.Of(energy.IdlePower, "no idle window was measured"), ".",
    ];

    private static XElement Models(PageContent content, ModelEnergy? baseline, ModelEnergy candidate)
    {
        IReadOnlyList<object?> Row(string name, Func<ModelEnergy, object?> of, Func<ModelEnergy, double?>? ratio = null) => content.Row(
            name,
            baseline is null ? Absent("not measured") : of(baseline),
            of(candidate),
            baseline is null ? null : ratio?.Invoke(candidate) / ratio?.Invoke(baseline));
        return Table(content.Columns("per inference"),
        [
            Row("total, all that the meter sees", model => Figures.Of(model.Total), model => model.Total.Value),
            Row("above idle", model => Figures.Of(model.Dynamic), model => model.Dynamic.Value),
            Row("standard uncertainty of the total", model => model.Uncertainty is { } joules ? Figures.Scaled(joules, "J") : Absent("not known")),
            Row("mean power in the cells", model => model.MeanWatts is { } watts ? Figures.Scaled(watts, "W") : Absent("not known"), model => model.MeanWatts),
            Row("samples / dropped / gaps", model => string.Create(CultureInfo.InvariantCulture, $"{model.Samples} / {model.Dropped} / {model.Gaps}")),
        ]);
    }

    private static XElement Trace(PageContent content)
    {
        IReadOnlyList<PowerSample> samples = content.Raw?.Power ?? [];
        string? reason = content.Raw is null ? "the raw samples were not kept"
            : samples.Count == 0 ? content.Evidence.Energy.Reason ?? "the meter gives no power over time"
            : samples.Count(sample => sample.Watts is { } watts && double.IsFinite(watts)) < 2 ? "the meter answered fewer than two times"
            : null;
        return reason is null ? PowerChart.Of(content, samples) : Paragraph(Element("strong", "Power over time: "), Absent(reason));
    }

    private static XElement Facts(string name, IReadOnlyDictionary<string, string> facts) => FingerprintSection.Facts(name, facts);
}

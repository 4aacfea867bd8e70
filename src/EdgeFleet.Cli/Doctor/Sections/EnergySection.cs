using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>Every meter that was looked for; the first that was found is the one that a benchmark reads.</summary>
internal static class EnergySection
{
    public const string Area = "energy";
    /// <summary>How the finding begins whose meter a benchmark reads.</summary>
    public const string Best = "the one that edgefleet bench reads";

    public static IEnumerable<Finding> Look(Device device, EnergyMeterOptions? meters)
    {
        using MeterSearch search = EnergyMeters.Find(device.Files, meters, hardware: AskedHardware.Of(device));
        foreach (MeterFinding finding in search.Findings)
        {
            bool isBest = search.Best is { } best && ReferenceEquals(best.Identity, finding.Meter);
            yield return new Finding(
                Area,
                finding.Source,
                finding.Meter is null ? FindingState.Absent : finding.Reason is null ? FindingState.Found : FindingState.Limited,
                finding.Meter is { } meter ? Describe(meter, Now(search, meter), isBest, finding.Reason) : finding.Reason ?? "it did not say why",
                finding.Advice);
        }
    }

    /// <summary>What a sampled meter reads at this moment, with the rails that are shown and not added: the quickest check of any wiring.</summary>
    private static string? Now(MeterSearch search, MeterIdentity identity)
    {
        MeterReading? reading = search.Meters.FirstOrDefault(meter => ReferenceEquals(meter.Identity, identity))?.Read();
        if (reading is not { Watts: { } watts, Parts: var parts })
        {
            return null;
        }
        string[] others = [.. parts.ToArray().Where(part => !part.Added && part.Watts is not null).Select(part => $"{part.Name} {Watts(part.Watts!.Value)}")];
        return $"{Watts(watts)} now{(others.Length == 0 ? "" : $" ({string.Join(", ", others)}: shown, not added)")}";

        static string Watts(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.###} W");
    }

    private static string Describe(MeterIdentity meter, string? now, bool isBest, string? reason)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string scope = meter.Scope switch { MeterScope.Board => "whole board", MeterScope.Battery => "battery", _ => "parts of the board" };
        string step = meter.QuantumJoules is { } joules ? $", step {(joules * 1e6).ToString("0.###", culture)} µJ"
            : meter.QuantumWatts is { } watts ? $", step {(watts * 1e3).ToString("0.###", culture)} mW" : "";
        string[] parts =
        [
            isBest ? Best : "another one",
            meter.State == ReadingState.Modelled ? "modelled" : "measured",
            scope,
            .. now is null ? Array.Empty<string>() : [now],
            meter.Kind == MeterKind.Accumulating ? "counts energy" : $"samples power every {meter.Period.TotalMilliseconds.ToString("0.###", culture)} ms",
            $"rails {string.Join(" + ", meter.Rails)}{step}",
            $"chip {meter.Chip}",
            .. meter.Note is null ? Array.Empty<string>() : [meter.Note],
            .. reason is null ? Array.Empty<string>() : [reason],
        ];
        return string.Join("; ", parts);
    }
}

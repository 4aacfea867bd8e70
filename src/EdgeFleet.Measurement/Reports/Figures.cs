using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Reports;

/// <summary>Figures as a person reads them: three or four digits and a unit.</summary>
internal static class Figures
{
    private static readonly (double Scale, string Prefix)[] s_prefixes = [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")];

    /// <summary>Four significant digits, never in powers of ten between a thousandth and a million.</summary>
    public static string Number(double value)
    {
        double size = Math.Abs(value);
        CultureInfo culture = CultureInfo.InvariantCulture;
        return !double.IsFinite(value) ? "not a finite number"
            : size >= 1e6 || (size < 1e-3 && size > 0) ? value.ToString("0.###e0", culture)
            : size >= 1000 ? value.ToString("#,0", culture)
            : size >= 100 ? value.ToString("0.#", culture)
            : size >= 10 ? value.ToString("0.##", culture)
            : value.ToString("0.###", culture);
    }

    public static string Micros(double micros) => Math.Abs(micros) switch
    {
        >= 1e6 => $"{Number(micros / 1e6)} s",
        >= 1e4 => $"{Number(micros / 1e3)} ms",
        _ => $"{Number(micros)} µs",
    };

    public static string Millis(double millis) => millis is >= 1 and < 1000 ? $"{Number(millis)} ms" : Micros(millis * 1e3);

    public static string Seconds(double seconds) => seconds >= 120 ? $"{(int)seconds / 60} min {(int)seconds % 60} s" : $"{Number(seconds)} s";

    public static string Bytes(double bytes) => bytes switch
    {
        >= 1 << 20 => $"{Number(bytes / (1 << 20))} MiB",
        >= 1 << 10 => $"{Number(bytes / (1 << 10))} KiB",
        _ => $"{Number(bytes)} B",
    };

    /// <summary>With the prefix that leaves one to three digits before the point.</summary>
    public static string Scaled(double value, string unit)
    {
        (double scale, string prefix) = value == 0 ? (1, "") : s_prefixes.FirstOrDefault(p => Math.Abs(value) >= p.Scale, s_prefixes[^1]);
        return $"{Number(value / scale)} {prefix}{unit}";
    }

    public static string Ratio(double ratio) => ratio.ToString("0.000", CultureInfo.InvariantCulture);

    public static string Percent(double share) => (share * 100).ToString("0.##", CultureInfo.InvariantCulture) + " %";

    public static string Change(double ratio) => (ratio >= 1 ? "+" : "−") + (Math.Abs(ratio - 1) * 100).ToString("0.0", CultureInfo.InvariantCulture) + " %";

    public static string Interval(IReadOnlyList<double> ends) => $"{Ratio(ends[0])} to {Ratio(ends[1])}";

    /// <summary>A reading with its source and, where it was not measured, its quality.</summary>
    public static object Of(Reading reading)
    {
        if (reading.State == ReadingState.Absent || reading.Value is not { } value)
        {
            return Markup.Absent(reading.Reason);
        }
        string figure = reading.Unit switch
        {
            "bytes" => Bytes(value),
            "J" or "W" => Scaled(value, reading.Unit),
            "ms" => Millis(value),
            _ => $"{Number(value)} {reading.Unit}".TrimEnd(),
        };
        string quality = reading.State == ReadingState.Modelled ? " (modelled)" : "";
        return Markup.Element("span", [("title", reading.Source.Length > 0 ? reading.Source : null)], figure + quality);
    }

    public static object Of(Reading? reading, string reasonWhereNull) => reading is null ? Markup.Absent(reasonWhereNull) : Of(reading);
}

using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports.Sections;

/// <summary>What it was measured on and with, and where the raw samples are.</summary>
internal static class FingerprintSection
{
    public static XElement Of(PageContent content) => Section(
        "Fingerprint",
        Note("Two results may be compared only where these agree."),
        content.Evidence.Fingerprint.Count == 0 ? Paragraph(Absent("there is none, so this result compares with no other")) : Facts("", content.Evidence.Fingerprint),
        content.Evidence.Raw is { } raw
            ? Paragraph($"Raw samples: {raw.Path}, {Figures.Bytes(raw.SizeBytes)}, SHA-256 {raw.Sha256}.")
            : Paragraph(Element("strong", "Raw samples: "), Absent("no file was asked for")),
        Note($"Evidence of schema version {content.Evidence.SchemaVersion}."));

    /// <summary>Names and values as text.</summary>
    public static XElement Facts(string name, IReadOnlyDictionary<string, string> facts) =>
        Sentences([name, ""], facts.OrderBy(fact => fact.Key, StringComparer.Ordinal).Select(IReadOnlyList<object?> (fact) => [fact.Key, fact.Value]));
}

using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports.Sections;
using static EdgeFleet.Measurement.Reports.Markup;

namespace EdgeFleet.Measurement.Reports;

/// <summary>
/// A benchmark as one page that needs nothing else: no script, no image, no font from anywhere. What was not measured says so,
/// and why.
/// </summary>
public static class BenchPage
{
    /// <param name="evidence">What the benchmark found.</param>
    /// <param name="raw">Its samples; without them the distributions and the power trace are absent.</param>
    /// <param name="names">What the models are called.</param>
    public static string Of(BenchEvidence evidence, RawMeasurement? raw, ModelNames names)
    {
        PageContent content = new(evidence, raw, names);
        return Document(Element(
            "html",
            [("lang", "en")],
            Element(
                "head",
                Element("meta", [("charset", "utf-8")]),
                Element("meta", [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]),
                // The page holds strangers' text; this is the second lock after encoding it.
                Element("meta", [("http-equiv", "Content-Security-Policy"), ("content", "default-src 'none'; style-src 'unsafe-inline'")]),
                Element("title", $"{content.VerdictWord}: {content.Title}"),
                Element("style", PageStyle.Css)),
            Element("body", Element(
                "main",
                VerdictSection.Of(content),
                WarningsSection.Of(content),
                LatencySection.Of(content),
                BlocksSection.Of(content),
                EnergySection.Of(content),
                MemorySection.Of(content),
                ColdStartSection.Of(content),
                CountersSection.Of(content),
                OutputsSection.Of(content),
                SweepSection.Of(content),
                EnvironmentSection.Of(content),
                FingerprintSection.Of(content)))));
    }
}

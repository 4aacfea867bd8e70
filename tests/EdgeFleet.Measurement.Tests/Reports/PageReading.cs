using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace EdgeFleet.Measurement.Tests.Reports;

/// <summary>A page as an XML reader sees it.</summary>
internal static class PageReading
{
    public static XElement Parse(string page)
    {
        using XmlReader reader = XmlReader.Create(new StringReader(page), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader).Root!;
    }

    public static IEnumerable<XElement> Of(this XElement page, string element, string style) =>
        page.Descendants(element).Where(found => ((string?)found.Attribute("class") ?? "").Split(' ').Contains(style));

    public static XElement Drawing(this XElement page, string title) => page.Descendants("svg").Single(svg => (string?)svg.Attribute("aria-label") == title);

    public static double Number(this XElement element, string attribute) => double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);
}

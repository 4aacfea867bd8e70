using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports;
using static EdgeFleet.Measurement.Tests.Reports.PageSamples;

namespace EdgeFleet.Measurement.Tests.Reports;

public sealed class BenchPageTests
{
    /// <summary>Each would do something to a page that took it for markup, or to a reader who trusts what he sees.</summary>
    public static TheoryData<string> Hostile => new(
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'onload='alert(1)", "</style></svg></title>", "]]>", "&lt;b&gt;", "<!--", "javascript:alert(1)", "{{7*7}}");

    [Theory, MemberData(nameof(Hostile))]
    public void What_a_stranger_wrote_is_text_wherever_it_stands(string hostile)
    {
        string page = BenchPage.Of(Full(hostile), Raw, new ModelNames($"{hostile} baseline name", $"{hostile} candidate name"));
        XElement parsed = PageReading.Parse(page), harmless = PageReading.Parse(BenchPage.Of(Full(), Raw, new ModelNames("words baseline name", "words candidate name")));

        Assert.Equal(Names(harmless), Names(parsed));
        foreach (string place in (string[])["baseline name", "candidate name", "verdict reason", "warning", "p99 reason", "energy source", "meter key", "meter value", "idle reason",
            "dynamic reason", "other meter", "cycles", "counter reason", "cause of throttling", "warm-up", "zone", "unit", "provider", "sweep reason", "block cause", "raw path",
            "fact", "fact value", "phase", "group reason of the baseline", "accelerator reason of the candidate"])
        {
            Assert.Contains($"{hostile} {place}", parsed.Value, StringComparison.Ordinal);
        }

        static IEnumerable<string> Names(XElement page) => page.DescendantsAndSelf().SelectMany(element => element.Attributes().Select(attribute => $"{element.Name}.{attribute.Name}").Prepend(element.Name.ToString()));
    }

    [Fact]
    public void Characters_that_no_page_can_carry_or_that_turn_a_line_round_are_replaced()
    {
        string page = BenchPage.Of(Full(), Raw, new ModelNames("b", "a\u0000\u0007\uD800\u202Exnno.b\u2066\uFFFE.onnx \U0001F600"));
        Assert.StartsWith("a\uFFFD\uFFFD\uFFFD\uFFFDxnno.b\uFFFD\uFFFD.onnx \U0001F600 against b", PageReading.Parse(page).Descendants("h1").Single().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_fetches_nothing_and_runs_nothing()
    {
        string page = BenchPage.Of(Full(), Raw, PageSamples.Names);
        XElement parsed = PageReading.Parse(page);

        Assert.DoesNotContain("http:", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https:", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("url(", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("@import", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(parsed.Descendants(), element => element.Name.LocalName is "script" or "link" or "img" or "iframe" or "object" or "a" or "image" or "use");
        Assert.DoesNotContain(parsed.Descendants().Attributes(), attribute => attribute.Name.LocalName is "src" or "href" or "style" || attribute.Name.LocalName.StartsWith("on", StringComparison.Ordinal));
        Assert.Contains(parsed.Descendants("meta"), meta => (string?)meta.Attribute("content") == "default-src 'none'; style-src 'unsafe-inline'");
    }

    [Fact]
    public void No_element_closes_itself_where_a_browser_would_take_it_for_a_beginning()
    {
        string page = BenchPage.Of(Full(), null, PageSamples.Names) + BenchPage.Of(Full(), Raw, PageSamples.Names) + BenchPage.Of(Empty, null, new ModelNames(null, "model"));
        Assert.Equal(["meta"], System.Text.RegularExpressions.Regex.Matches(page, "<([a-z0-9]+)[^<>]*/>").Select(match => match.Groups[1].Value).Distinct());
    }

    [Fact]
    public void Whatever_is_absent_says_why()
    {
        XElement page = PageReading.Parse(BenchPage.Of(Empty, null, new ModelNames(null, "model.onnx")));
        string[] reasons = [.. page.Of("span", "absent").Select(span => span.Value)];

        foreach (string reason in (string[])["the reason of p90", "the reason of memory", "the reason of energy", "the reason of counters", "no start was measured", "the raw samples were not kept",
            "not measured", "no block counts", "the device tells none", "it was not measured", "there is none, so this result compares with no other", "no file was asked for"])
        {
            Assert.Contains($"absent: {reason}", reasons);
        }
        foreach ((string section, string reason) in ((string, string)[])[("Energy", "the reason of energy"), ("Memory", "the reason of memory"), ("Processor counters", "the reason of counters"),
            ("Cold start", "no start was measured"), ("Answers", "one model was measured alone, so there is nothing to compare it with"), ("Blocks", "one model was measured alone, so there is nothing to compare it with")])
        {
            XElement found = page.Descendants("section").Single(element => element.Element("h2")!.Value == section);
            Assert.Equal($"absent: {reason}", found.Elements("p").First().Value);
        }
        Assert.Contains("the reason of another meter", page.Value, StringComparison.Ordinal);
        Assert.Contains("Whether it was throttled is unknown", page.Value, StringComparison.Ordinal);
        Assert.Contains("only ratios may be judged", page.Value, StringComparison.Ordinal);
        Assert.Empty(page.Descendants("svg"));
    }

    [Fact]
    public void One_model_alone_is_never_called_a_candidate()
    {
        XElement whole = PageReading.Parse(BenchPage.Of(Empty, Raw, new ModelNames(null, "model.onnx")));
        string page = whole.Element("body")!.Value;
        Assert.Equal("one model alone", whole.Of("span", "badge").Single().Value);
        Assert.DoesNotContain("inconclusive", page, StringComparison.Ordinal);
        Assert.DoesNotContain("candidate", page, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("baseline", page, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("pass", "faster", "the candidate is faster")]
    [InlineData("fail", "slower", "the candidate is slower")]
    [InlineData("inconclusive", "none", "no difference is shown")]
    public void The_page_begins_with_the_verdict(string verdict, string difference, string sentence)
    {
        XElement page = PageReading.Parse(BenchPage.Of(Full() with { Verdict = verdict, Difference = difference }, Raw, PageSamples.Names));
        Assert.Equal(verdict, page.Of("span", verdict).Single().Value);
        Assert.Contains(sentence, page.Of("div", "card").First().Value, StringComparison.Ordinal);
        Assert.Contains("0.840 (−16.0 %)", page.Of("div", "card").First().Value, StringComparison.Ordinal);
        Assert.Contains("97.8 % interval 0.830 to 0.850", page.Of("div", "card").First().Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Energy_that_was_modelled_is_never_called_measured()
    {
        BenchEvidence full = Full();
        BenchEvidence modelled = full with
        {
            Energy = full.Energy with { State = ReadingState.Modelled, Candidate = full.Energy.Candidate! with { Total = full.Energy.Candidate.Total with { State = ReadingState.Modelled } } },
        };
        XElement page = PageReading.Parse(BenchPage.Of(modelled, Raw, PageSamples.Names));
        Assert.Contains("Modelled, not measured, from words energy source", page.Value, StringComparison.Ordinal);
        Assert.Contains("170 µJ (modelled)", page.Value, StringComparison.Ordinal);
        Assert.Contains("modelled", page.Of("div", "card").Last().Value, StringComparison.Ordinal);
        Assert.DoesNotContain("odelled", PageReading.Parse(BenchPage.Of(full, Raw, PageSamples.Names)).Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_no_block_counts_nothing_is_said_of_a_difference_and_the_causes_are_counted()
    {
        BenchEvidence full = Full();
        BenchEvidence disturbed = full with
        {
            Verdict = "inconclusive", Difference = "none", Blocks = 0, DiscardedBlocks = 6,
            Latency = full.Latency with { Ratio = null, Interval = null },
            BlockRecords = [.. full.BlockRecords.Select(block => block with { Causes = ["others used the processor"] })],
        };
        XElement page = PageReading.Parse(BenchPage.Of(disturbed, Raw with { Cells = [.. Raw.Cells.Select(cell => cell with { Counts = false })] }, PageSamples.Names));
        string card = page.Of("div", "card").First().Value;
        Assert.Contains("absent: no block counts", card, StringComparison.Ordinal);
        Assert.DoesNotContain("difference", card, StringComparison.Ordinal);
        Assert.Contains("0, 1, 2, 3, 4, 5others used the processor", page.Value, StringComparison.Ordinal);
        Assert.Equal(6, page.Drawing("Latency ratio of each block").Of("circle", "void").Count());
        Assert.Contains("Histogram of the blocks: absent: no block counts", page.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_counter_that_was_scaled_up_says_so()
    {
        string page = PageReading.Parse(BenchPage.Of(Full(), Raw, PageSamples.Names)).Value;
        Assert.Contains("92,000 (scaled up, counted 62 % of the time)", page, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_stays_small_however_long_the_trace()
    {
        RawMeasurement day = Raw with { Power = [.. Enumerable.Range(0, 864_000).Select(k => new PowerSample(k / 10.0, k % 7))] };
        Assert.InRange(BenchPage.Of(Full(), day, PageSamples.Names).Length, 10_000, 200_000);
    }

    [Fact]
    public void Samples_that_are_no_numbers_are_left_out_of_the_drawings()
    {
        RawMeasurement odd = new()
        {
            Cells = [new RawCell(0, "baseline", 0, 1, 1, [double.NaN, -1, 0, 31_000, 32_000], true), new RawCell(0, "candidate", 1, 2, 1, [double.PositiveInfinity, 26_000], true)],
            Power = [new PowerSample(0, double.NaN), new PowerSample(1, 4), new PowerSample(2, 5)],
        };
        BenchEvidence evidence = Full() with { BlockRecords = [new BlockRecord(0, "ABBA", 0, 26, double.PositiveInfinity, null, []), new BlockRecord(1, "ABBA", 31, 26, -0.17, null, [])] };
        XElement page = PageReading.Parse(BenchPage.Of(evidence, odd, PageSamples.Names));
        Assert.Equal(4, page.Descendants("svg").Count(svg => (string?)svg.Attribute("aria-label") != "Memory in each phase"));
        Assert.DoesNotContain(page.Descendants("svg").Descendants().Attributes(), attribute => attribute.Value.Contains("NaN", StringComparison.Ordinal) || attribute.Value.Contains('∞'));
    }
}

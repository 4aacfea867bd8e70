using System.Globalization;
using System.Xml.Linq;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports;
using EdgeFleet.Measurement.Reports.Charts;
using static EdgeFleet.Measurement.Tests.Reports.PageSamples;

namespace EdgeFleet.Measurement.Tests.Reports;

public sealed class DrawingTests
{
    private static readonly XElement s_page = PageReading.Parse(BenchPage.Of(Full(), Raw, Names));

    [Fact]
    public void Every_block_is_a_dot_at_its_ratio_and_those_that_do_not_count_are_hollow()
    {
        XElement drawing = s_page.Drawing("Latency ratio of each block");
        XElement[] dots = [.. drawing.Descendants("circle")];
        Assert.Equal(6, dots.Length);
        Assert.Equal("block 2, ABBA: 0.840, does not count: words block cause", drawing.Of("circle", "void").Single().Element("title")!.Value);

        // Block 5 has exactly the ratio of the margin, block 2 that of the estimate.
        Assert.Equal(drawing.Of("line", "margin-line").Single().Number("y1"), dots[5].Number("cy"));
        Assert.Equal(drawing.Of("line", "candidate-line").Single().Number("y1"), dots[2].Number("cy"));
        Assert.True(dots[0].Number("cy") > dots[1].Number("cy"), "a larger ratio lies higher");
        XElement band = drawing.Of("rect", "band").Single();
        Assert.Equal(dots[0].Number("cy"), band.Number("y") + band.Number("height"), 0.11);
    }

    [Fact]
    public void The_line_of_the_power_is_broken_where_the_meter_did_not_answer()
    {
        XElement drawing = s_page.Drawing("Power over time");
        string line = drawing.Of("path", "ink-line").Single().Attribute("d")!.Value;
        Assert.Equal(2, line.Count(c => c == 'M'));
        Assert.Equal(397, line.Count(c => c is 'M' or 'L'));
        Assert.Contains("3 samples did not answer", drawing.Parent!.Value, StringComparison.Ordinal);
        Assert.Equal(12, drawing.Of("rect", "baseline-fill").Count());
        Assert.Equal(12, drawing.Of("rect", "candidate-fill").Count());
    }

    [Fact]
    public void A_group_of_many_samples_keeps_its_least_and_its_most()
    {
        RawMeasurement spiky = Raw with { Power = [.. Enumerable.Range(0, 8000).Select(k => new PowerSample(k, k == 4321 ? 20 : 5))] };
        string line = PageReading.Parse(BenchPage.Of(Full(), spiky, Names)).Drawing("Power over time").Of("path", "ink-line").Single().Attribute("d")!.Value;
        Scale y = new(0, 20 * 1.08, 300 - Plot.Bottom, Plot.Top);
        Assert.Contains(" " + y.At(20).ToString(CultureInfo.InvariantCulture), line, StringComparison.Ordinal);
    }

    [Fact]
    public void The_histogram_holds_only_blocks_that_count_and_its_shares_are_those_of_the_samples()
    {
        XElement drawing = s_page.Drawing("Histogram of the latencies of the blocks");
        Assert.Contains("500 samples of the baseline, 500 of the candidate", drawing.Parent!.Value, StringComparison.Ordinal);
        Assert.Equal(2, drawing.Of("path", "faint").Count());
    }

    [Fact]
    public void A_tail_that_is_far_out_gets_a_logarithmic_axis()
    {
        XElement drawing = s_page.Drawing("Share of inferences that take longer, one inference after the other in the tail phase");
        Assert.Contains(drawing.Descendants("text"), text => text.Value == "latency of an inference (logarithmic)");
        XElement near = PageReading.Parse(BenchPage.Of(Full(), Raw with { CandidateTail = Raw.BaselineTail }, Names)).Drawing("Share of inferences that take longer, one inference after the other in the tail phase");
        Assert.Contains(near.Descendants("text"), text => text.Value == "latency of an inference");
    }

    [Fact]
    public void Without_a_tail_phase_the_blocks_are_drawn_and_the_page_says_so()
    {
        string page = PageReading.Parse(BenchPage.Of(Full(), Raw with { BaselineTail = [], CandidateTail = [] }, Names)).Value;
        Assert.Contains("in the blocks (there was no tail phase)", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_ratios_are_equally_long_on_a_logarithmic_axis()
    {
        Scale scale = new(1, 1000, 0, 300, logarithmic: true);
        Assert.Equal([0, 100, 200, 300], new[] { 1.0, 10, 100, 1000 }.Select(scale.At));
        Assert.Equal(0, scale.At(0.001));
        Assert.Equal(10, scale.ValueAt(1.0 / 3), 9);
        Assert.Equal([1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], scale.Ticks(8));
    }

    [Theory]
    [InlineData(0, 10, 5, "0 2 4 6 8 10")]
    [InlineData(0.81, 1.06, 6, "0.85 0.9 0.95 1 1.05")]
    [InlineData(31_000, 31_500, 8, "31000 31100 31200 31300 31400 31500")]
    public void Ticks_are_round(double low, double high, int about, string expected) =>
        Assert.Equal(expected, string.Join(' ', new Scale(low, high, 0, 1).Ticks(about).Select(tick => Math.Round(tick, 9).ToString(CultureInfo.InvariantCulture))));

    [Theory, InlineData(5.0), InlineData(0.0), InlineData(-3.0)]
    public void Values_that_are_all_the_same_lie_in_the_middle(double value)
    {
        Scale scale = new(value, value, 0, 100);
        Assert.Equal(50, scale.At(value));
    }

    [Theory]
    [InlineData(25.8, "25.8 µs")]
    [InlineData(9_999, "9,999 µs")]
    [InlineData(12_340, "12.34 ms")]
    [InlineData(2_500_000, "2.5 s")]
    public void Times_are_read_at_a_glance(double micros, string expected) => Assert.Equal(expected, Figures.Micros(micros));

    [Theory]
    [InlineData(230e-6, "230 µJ")]
    [InlineData(0.027, "27 mJ")]
    [InlineData(4.1, "4.1 J")]
    [InlineData(0, "0 J")]
    [InlineData(-0.002, "-2 mJ")]
    public void Energies_take_the_prefix_that_fits(double joules, string expected) => Assert.Equal(expected, Figures.Scaled(joules, "J"));

    [Fact]
    public void A_quantile_is_a_value_that_was_measured()
    {
        double[] sorted = [1, 2, 3, 4];
        Assert.Equal([1, 1, 2, 2, 4], new[] { 0, 0.25, 0.5, 0.499, 1 }.Select(share => Quantiles.At(sorted, share)));
    }
}

using EdgeFleet.Statistics.Sketches;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.Sketches;

public sealed class LatencySketchTests
{
    [Fact]
    public void Bins_are_those_of_ddsketch_at_one_percent()
    {
        Near.Equal(1.020202020202, LatencySketch.Gamma);
        Assert.Equal(231, LatencySketch.IndexOf(100));
        Near.Equal(100.494567709, LatencySketch.ValueOf(231), 1e-9);
        Assert.Equal(806, LatencySketch.IndexOf(100) - LatencySketch.IndexOf(1e-5));
    }

    [Fact]
    public void Every_value_is_within_one_percent_of_its_bin()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.Latencies(), values => values.All(v =>
            Math.Abs(LatencySketch.ValueOf(LatencySketch.IndexOf(v)) - v) <= v * LatencySketch.RelativeAccuracy * (1 + 1e-9))));
    }

    [Fact]
    public void A_quantile_is_within_one_percent_of_the_exact_one()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.Latencies(), values =>
        {
            LatencySketch sketch = Of(values);
            double[] sorted = [.. values.Order()];
            return values.Length == 0 || new[] { 0, 0.5, 0.95, 0.99, 1 }.All(q =>
            {
                double exact = sorted[(int)Math.Floor(q * (sorted.Length - 1))];
                return Math.Abs(sketch.Quantile(q)!.Value - exact) <= exact * LatencySketch.RelativeAccuracy * (1 + 1e-9);
            });
        }));
    }

    [Fact]
    public void Merging_is_commutative_associative_and_the_same_as_adding_everything()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.Latencies(), Checks.Latencies(), Checks.Latencies(), (a, b, c) =>
        {
            LatencySketch left = Merged(Merged(Of(a), Of(b)), Of(c));
            LatencySketch right = Merged(Of(a), Merged(Of(b), Of(c)));
            LatencySketch turned = Merged(Merged(Of(c), Of(a)), Of(b));
            return left.Equals(right) && left.Equals(turned) && left.Equals(Of([.. a, .. b, .. c]));
        }));
    }

    [Fact]
    public void A_sketch_comes_back_from_its_bins_and_merges_with_itself()
    {
        LatencySketch sketch = Of([1, 2, 2, 3]);

        Assert.Equal(sketch, LatencySketch.FromBins(sketch.Bins));
        sketch.Merge(sketch);
        Assert.Equal(8, sketch.Count);
    }

    [Fact]
    public void An_empty_sketch_has_no_quantile()
    {
        Assert.Null(new LatencySketch().Quantile(0.5));
    }

    [Theory]
    [InlineData(0.0), InlineData(-1.0), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void Only_positive_finite_values_are_taken(double value)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new LatencySketch().Add(value));
    }

    private static LatencySketch Of(IEnumerable<double> values)
    {
        LatencySketch sketch = new();
        foreach (double value in values)
        {
            sketch.Add(value);
        }
        return sketch;
    }

    private static LatencySketch Merged(LatencySketch into, LatencySketch other)
    {
        into.Merge(other);
        return into;
    }
}

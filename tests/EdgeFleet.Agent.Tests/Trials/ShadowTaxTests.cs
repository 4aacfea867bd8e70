using EdgeFleet.Agent.Trials;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class ShadowTaxTests
{
    private const double Budget = 0.05;
    private const double NoiseSd = 0.3;

    [Theory, InlineData(1.3), InlineData(1.5), InlineData(3.0)]
    public void A_shadow_that_slows_the_served_model_is_found_within_five_cycles(double slower)
    {
        for (int seed = 1; seed <= 200; seed++)
        {
            Assert.InRange(CyclesUntilExceeded(new Random(seed), slower, cycles: 40) ?? int.MaxValue, 1, 25);
        }
        // With a hundred requests a second the four cycles of a verdict are enough nearly always.
        int within = Enumerable.Range(1, 200).Count(seed => CyclesUntilExceeded(new Random(seed), slower, cycles: 5) is not null);
        Assert.InRange(within, slower >= 1.5 ? 190 : 100, 200);
    }

    [Fact]
    public void A_shadow_that_costs_nothing_is_left_alone_for_an_hour()
    {
        int stopped = Enumerable.Range(1, 50).Count(seed => CyclesUntilExceeded(new Random(seed), slower: 1, cycles: 3600) is not null);
        Assert.InRange(stopped, 0, 5);
    }

    [Fact]
    public void Load_that_comes_and_goes_for_both_windows_is_not_charged_to_the_shadow()
    {
        Random random = new(7);
        ShadowTax tax = new(Budget);
        for (int cycle = 0; cycle < 600; cycle++)
        {
            double load = Math.Sin(cycle / 10.0);
            tax.Add(Requests(random, 75, 3.5 + load), Requests(random, 25, 3.5 + load));
            Assert.False(tax.Exceeded, $"cycle {cycle}: {tax.LogRatio}");
        }
    }

    [Fact]
    public void Without_requests_nothing_is_measured_and_nothing_is_stopped()
    {
        ShadowTax tax = new(Budget);
        for (int cycle = 0; cycle < 10; cycle++)
        {
            tax.Add(Requests(new Random(cycle), 4, 9), Requests(new Random(cycle), 4, 1));
        }
        Assert.Null(tax.LogRatio);
        Assert.False(tax.Exceeded);
    }

    [Fact]
    public void What_was_measured_before_a_rest_is_forgotten()
    {
        ShadowTax tax = new(Budget);
        for (int cycle = 0; cycle < ShadowTax.Cycles; cycle++)
        {
            tax.Add(Requests(new Random(cycle), 100, 5), Requests(new Random(cycle + 50), 100, 4));
        }
        Assert.True(tax.Exceeded);
        tax.Clear();
        Assert.False(tax.Exceeded);
    }

    private static int? CyclesUntilExceeded(Random random, double slower, int cycles)
    {
        ShadowTax tax = new(Budget);
        for (int cycle = 1; cycle <= cycles; cycle++)
        {
            tax.Add(Requests(random, 75, 3.5 + Math.Log(slower)), Requests(random, 25, 3.5));
            if (tax.Exceeded)
            {
                return cycle;
            }
        }
        return null;
    }

    private static LogLatency Requests(Random random, int count, double mean)
    {
        LogLatency sums = default;
        for (int i = 0; i < count; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            double log = mean + (NoiseSd * normal);
            sums = new LogLatency(sums.Count + 1, sums.Sum + log, sums.SumOfSquares + (log * log));
        }
        return sums;
    }
}

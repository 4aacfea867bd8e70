namespace EdgeFleet.Measurement.Tests;

public sealed class SeededCoinTests
{
    [Fact]
    public void A_seed_gives_the_same_flips_for_ever()
    {
        SeededCoin coin = new(42);
        Assert.Equal("1000010101001110", string.Concat(Enumerable.Range(0, 16).Select(_ => coin.Flip() ? '1' : '0')));
    }

    [Fact]
    public void A_number_below_a_bound_reaches_all_of_it()
    {
        SeededCoin coin = new(9);
        int[] seen = new int[10];
        for (int i = 0; i < 10_000; i++)
        {
            seen[coin.Below(10)]++;
        }
        Assert.All(seen, count => Assert.InRange(count, 880, 1120));
    }

    [Theory, InlineData(0.0), InlineData(0.1), InlineData(0.5), InlineData(1.0)]
    public void A_chance_comes_as_often_as_it_says(double share)
    {
        SeededCoin coin = new(7);
        int hits = Enumerable.Range(0, 20_000).Count(_ => coin.Chance(share));
        Assert.InRange(hits, (share - 0.015) * 20_000, (share + 0.015) * 20_000);
    }
}

using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Laws of the order in which devices are taken.</summary>
public sealed class EnrolmentOrderTests
{
    public static TheoryData<int[]> Fleets => new()
    {
        { [1] }, { [7] }, { [9, 1] }, { [5, 3, 2] }, { [50, 30, 15, 5] }, { [10, 2, 2, 2, 2, 2] }, { [1, 1, 1, 1, 1, 1] }, { [97, 1, 1, 1] }, { [40, 40] }, { [13, 11, 7, 5, 3, 2] },
    };

    [Theory, MemberData(nameof(Fleets))]
    public void Every_prefix_holds_each_site_in_proportion_to_less_than_one_device(int[] sites)
    {
        for (ulong seed = 1; seed <= 40; seed++)
        {
            AssertProportional(sites, Draw(sites, seed));
        }
    }

    [Fact]
    public void That_holds_for_fleets_of_any_mixture()
    {
        Random random = new(4);
        for (int fleet = 0; fleet < 200; fleet++)
        {
            int[] sites = [.. Enumerable.Range(0, random.Next(1, 25)).Select(_ => random.Next(1, random.Next(2, 40)))];
            AssertProportional(sites, Draw(sites, (ulong)fleet));
        }
    }

    [Theory, MemberData(nameof(Fleets))]
    public void The_order_is_a_permutation_of_seed_names_and_sites_and_not_of_the_listing(int[] sites)
    {
        string[] devices = Devices(sites);
        string[] order = [.. EnrolmentOrder.Draw(devices, d => d, Site, 11)];

        Assert.Equal(order, EnrolmentOrder.Draw(devices.Reverse(), d => d, Site, 11));
        Assert.Equal(devices.Order(StringComparer.Ordinal), order.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Inside_a_site_devices_keep_their_places_of_the_plain_order()
    {
        string[] devices = Devices([20, 12, 3]);
        string[] plain = [.. EnrolmentOrder.Draw(devices, d => d, _ => "", 5)];
        string[] stratified = [.. EnrolmentOrder.Draw(devices, d => d, Site, 5)];

        Assert.NotEqual(plain, stratified);
        Assert.All(plain.GroupBy(Site), site => Assert.Equal(site, stratified.Where(d => Site(d) == site.Key)));
    }

    [Theory, MemberData(nameof(Fleets))]
    public void Over_many_seeds_a_site_is_first_and_held_as_often_as_its_share_says(int[] sites)
    {
        const int Seeds = 1500;
        int count = sites.Sum();
        double[,] held = new double[sites.Length, count + 1];
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            int[] sum = new int[sites.Length];
            int k = 0;
            foreach (string device in Draw(sites, seed))
            {
                sum[int.Parse(Site(device), System.Globalization.CultureInfo.InvariantCulture)]++;
                k++;
                for (int site = 0; site < sites.Length; site++)
                {
                    held[site, k] += (double)sum[site] / Seeds;
                }
            }
        }
        for (int site = 0; site < sites.Length; site++)
        {
            double share = (double)sites[site] / count;
            // Four standard errors of a share.
            double wide = (4 * Math.Sqrt(share * (1 - share) / Seeds)) + 1e-9;
            Assert.InRange(held[site, 1], share - wide, share + wide);
            for (int k = 1; k <= count; k++)
            {
                Assert.InRange(held[site, k] - (k * share), -0.5, 0.5);
            }
        }
    }

    // Sites that are all harmed beside sites that are not, the class exactly at the margin: the devices of the good sites promote
    // by mistake when too many of them happen to come first.
    [Theory]
    [InlineData(new[] { 48, 12 }, new[] { 1 })]
    [InlineData(new[] { 20, 20, 20, 15 }, new[] { 3 })]
    [InlineData(new[] { 8, 8, 8, 8, 8, 4, 3, 2, 1 }, new[] { 5, 6, 7, 8 })]
    [InlineData(new[] { 16, 16, 16, 16, 4, 4, 4, 4 }, new[] { 4, 5, 6, 7 })]
    public void A_class_at_the_margin_is_promoted_less_often_than_alpha_and_than_in_the_plain_order(int[] sites, int[] harmed)
    {
        const double Alpha = 0.05;
        const int Seeds = 2000;
        int count = sites.Sum();
        double margin = (double)harmed.Sum(i => sites[i]) / count;
        Assert.Equal(0.2, margin, 1e-12);

        int plain = 0, stratified = 0;
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            plain += Promotes(EnrolmentOrder.Draw(Devices(sites), d => d, _ => "", seed)) ? 1 : 0;
            stratified += Promotes(Draw(sites, seed)) ? 1 : 0;
        }
        Assert.InRange((double)plain / Seeds, 0.001, Alpha + 0.01);
        Assert.True(stratified < plain, $"{stratified} of {Seeds} with sites in proportion, {plain} without");

        // The negative control: an order that is no draw, the good sites first.
        Assert.True(Promotes(Devices(sites).OrderBy(d => harmed.Contains(int.Parse(Site(d), System.Globalization.CultureInfo.InvariantCulture)))));

        bool Promotes(IEnumerable<string> order)
        {
            BettingState state = BettingEProcess.StartPromotion(margin, count);
            foreach (string device in order)
            {
                bool bad = harmed.Contains(int.Parse(Site(device), System.Globalization.CultureInfo.InvariantCulture));
                state = BettingEProcess.Observe(state, bad ? 1 : 0);
                if (state.Rejects(Alpha))
                {
                    return true;
                }
            }
            return false;
        }
    }

    private static IReadOnlyList<string> Draw(int[] sites, ulong seed) => EnrolmentOrder.Draw(Devices(sites), d => d, Site, seed);

    private static string[] Devices(int[] sites) => [.. sites.SelectMany((size, site) => Enumerable.Range(0, size).Select(i => $"{site}-{i}"))];

    private static string Site(string device) => device[..device.IndexOf('-', StringComparison.Ordinal)];

    private static void AssertProportional(int[] sites, IReadOnlyList<string> order)
    {
        int count = sites.Sum();
        Assert.Equal(count, order.Distinct().Count());
        int[] held = new int[sites.Length];
        for (int k = 1; k <= count; k++)
        {
            held[int.Parse(Site(order[k - 1]), System.Globalization.CultureInfo.InvariantCulture)]++;
            for (int site = 0; site < sites.Length; site++)
            {
                Assert.True(Math.Abs((long)held[site] * count - ((long)k * sites[site])) < count, $"site {site} of [{string.Join(", ", sites)}]: {held[site]} of the first {k}");
            }
        }
    }
}

using System.Text.Json;
using EdgeFleet.Statistics.EProcesses;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class BettingEProcessTests
{
    private static readonly double[] s_harmX = [.2, .8, .9, .4, 1, .7, .95, .6, .85, 1];
    private static readonly double[] s_harmLogE =
        [-.2495837839, -.0905325406, .1410711375, .0615941783, .3685809720, .5278260751, .8809814436, .9847576599, 1.3201307927, 1.8096180224];

    private static readonly double[] s_promoteY = [0, .1, 0, 0, .3, 0, 0, .05, 0, 0];
    private static readonly double[] s_promoteLogE =
        [.0880394941, .1358939180, .2324307397, .3348459517, .2758387372, .3806336803, .4915673187, .5807280058, .7028098614, .8312248398];

    [Fact]
    public void Harm_grows_as_in_the_reference_computation()
    {
        BettingState state = BettingEProcess.StartHarm(0.5);
        for (int i = 0; i < s_harmX.Length; i++)
        {
            state = BettingEProcess.Observe(state, s_harmX[i]);
            Near.Equal(s_harmLogE[i], state.LogE);
        }
    }

    [Fact]
    public void Promotion_grows_as_in_the_reference_computation()
    {
        BettingState state = BettingEProcess.StartPromotion(0.2);
        for (int i = 0; i < s_promoteY.Length; i++)
        {
            state = BettingEProcess.Observe(state, s_promoteY[i]);
            Near.Equal(s_promoteLogE[i], state.LogE);
        }
    }

    [Fact]
    public void Promotion_without_replacement_grows_as_in_the_reference_computation()
    {
        Near.Equal(1.2480630845, BettingEProcess.Observe(BettingEProcess.StartPromotion(0.2, 20), s_promoteY).LogE);
    }

    [Fact]
    public void Perfect_devices_reach_one_over_alpha_at_the_twenty_first()
    {
        BettingState twenty = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.2), Enumerable.Repeat(0.0, 20));
        BettingState twentyOne = BettingEProcess.Observe(twenty, 0);

        Near.Equal(2.8528173860, twenty.LogE);
        Near.Equal(3.0436949619, twentyOne.LogE);
        Assert.False(twenty.Rejects(0.05));
        Assert.True(twentyOne.Rejects(0.05));
    }

    [Theory]
    [InlineData(0.1, 45), InlineData(0.2, 21), InlineData(0.3, 13), InlineData(0.5, 7)]
    public void The_floor_of_an_endless_class_is_the_published_one(double nullMean, int expected)
    {
        Assert.Equal(expected, DeviceFloor.Minimum(nullMean, 0.05));
    }

    [Theory]
    [InlineData(10, 9), InlineData(20, 13), InlineData(40, 16), InlineData(100, 19)]
    public void The_floor_of_a_finite_class_is_the_published_one(int devices, int expected)
    {
        Assert.Equal(expected, DeviceFloor.Minimum(0.2, 0.05, devices));
    }

    [Fact]
    public void A_class_of_perfect_devices_is_certain_once_the_rest_cannot_matter()
    {
        BettingState state = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.2, 10), Enumerable.Repeat(0.0, 9));

        // Even a last device at 1 leaves a mean of 0.1: the null of 0.2 is impossible.
        Assert.True(state.NullImpossible);
        Assert.Equal(double.PositiveInfinity, state.LogE);
        Assert.Equal(0, state.AnytimeP);
        Assert.True(BettingEProcess.Observe(state, 1).NullImpossible);
    }

    [Fact]
    public void A_class_whose_sample_already_makes_the_null_true_bets_no_more()
    {
        BettingState full = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.2, 10), [1.0, 1.0]);
        BettingState frozen = BettingEProcess.Observe(full, [0.0, 0.0, 0.0, 0.0]);

        Assert.Equal(full.LogWealth.AsSpan(), frozen.LogWealth.AsSpan());
        Assert.False(frozen.Rejects(0.5));
    }

    [Fact]
    public void No_member_of_a_finite_class_is_observed_twice()
    {
        BettingState all = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.2, 3), [0.5, 0.5, 0.5]);

        Assert.Throws<InvalidOperationException>(() => BettingEProcess.Observe(all, 0));
    }

    [Theory]
    [InlineData(-0.01), InlineData(1.01), InlineData(double.NaN), InlineData(double.PositiveInfinity)]
    public void An_observation_outside_the_unit_interval_is_a_bug(double observation)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BettingEProcess.Observe(BettingEProcess.StartHarm(0.5), observation));
    }

    [Theory]
    [InlineData(0.0), InlineData(1.0), InlineData(double.NaN)]
    public void A_null_on_the_edge_is_a_bug(double nullMean)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BettingEProcess.StartHarm(nullMean));
        Assert.Throws<ArgumentOutOfRangeException>(() => BettingEProcess.StartPromotion(nullMean));
    }

    [Fact]
    public void No_data_is_no_evidence()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.OpenUnit(), m =>
            Math.Abs(BettingEProcess.StartHarm(m).LogE) < 1e-15
            && Math.Abs(BettingEProcess.StartPromotion(m).LogE) < 1e-15
            && Math.Abs(BettingEProcess.StartPromotion(m, 7).LogE) < 1e-15));
    }

    [Fact]
    public void A_larger_margin_never_makes_harm_more_certain_nor_promotion_less()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.OpenUnit(), Checks.OpenUnit(), Checks.UnitList(), (a, b, xs) =>
        {
            (double small, double large) = (Math.Min(a, b), Math.Max(a, b));
            return Harm(large, xs) <= Harm(small, xs) + 1e-9 && Promotion(large, xs) >= Promotion(small, xs) - 1e-9;
        }));
    }

    [Fact]
    public void A_worse_observation_never_makes_harm_less_certain_nor_promotion_more()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.OpenUnit(), Checks.UnitList(), (m, xs) =>
        {
            double[] worse = [.. xs.Select(x => Math.Min(1, x + 0.1))];
            return Harm(m, worse) >= Harm(m, xs) - 1e-9 && Promotion(m, worse) <= Promotion(m, xs) + 1e-9;
        }));
    }

    [Fact]
    public void A_state_that_went_through_json_goes_on_to_the_same_bits()
    {
        Check.One(Checks.Config, Prop.ForAll(Checks.OpenUnit(), Checks.UnitList(), (m, xs) =>
        {
            BettingState straight = BettingEProcess.StartPromotion(m);
            BettingState stored = straight;
            foreach (double x in xs)
            {
                straight = BettingEProcess.Observe(straight, x);
                stored = JsonSerializer.Deserialize<BettingState>(JsonSerializer.Serialize(BettingEProcess.Observe(stored, x)))!;
            }
            return straight.Equals(stored) && BitConverter.DoubleToInt64Bits(straight.LogE) == BitConverter.DoubleToInt64Bits(stored.LogE);
        }));
    }

    [Theory]
    [InlineData(BettingDirection.Harm, null), InlineData(BettingDirection.Promotion, null), InlineData(BettingDirection.Promotion, 20)]
    public void At_the_boundary_of_the_null_the_e_value_is_one_on_average_exactly(BettingDirection direction, int? devices)
    {
        // Every path of ones and zeros with its probability: nothing is left to the luck of a simulation.
        const int steps = 12;
        const double m = 0.3;
        double expected = 0, total = 0;
        for (int path = 0; path < 1 << steps; path++)
        {
            BettingState state = direction == BettingDirection.Harm ? BettingEProcess.StartHarm(m) : BettingEProcess.StartPromotion(m, devices);
            double probability = 1;
            for (int step = 0; step < steps; step++)
            {
                double one = devices is { } n ? Math.Clamp(((n * m) - state.Sum) / (n - step), 0, 1) : m;
                bool isOne = (path >> step & 1) == 1;
                probability *= isOne ? one : 1 - one;
                state = BettingEProcess.Observe(state, isOne ? 1 : 0);
            }
            if (probability > 1e-15)
            {
                expected += probability * Math.Exp(state.LogE);
                total += probability;
            }
        }
        Near.Equal(1, total, 1e-9);
        Near.Equal(1, expected, 1e-9);
    }

    [Theory]
    [InlineData(0.5, 0.5), InlineData(0.45, 0.5), InlineData(0.5, 0.6)]
    public void Under_the_null_the_e_value_stays_at_most_one_on_average(double mean, double margin)
    {
        const int runs = 10_000, steps = 40;
        Random random = new(1);
        double sum = 0, squares = 0;
        for (int run = 0; run < runs; run++)
        {
            BettingState state = BettingEProcess.StartHarm(margin);
            for (int step = 0; step < steps; step++)
            {
                state = BettingEProcess.Observe(state, random.NextDouble() * 2 * mean);
            }
            double e = Math.Exp(state.LogE);
            sum += e;
            squares += e * e;
        }
        double average = sum / runs;
        double error = Math.Sqrt(((squares / runs) - (average * average)) / runs);

        Assert.True(average <= 1 + (5 * error), $"mean E {average} with standard error {error}");
    }

    [Fact]
    public void Looking_after_every_tick_raises_few_false_alarms_at_the_margin()
    {
        const int runs = 400, ticks = 500;
        const double alpha = 0.05;
        Random random = new(2);
        int alarms = 0;
        for (int run = 0; run < runs; run++)
        {
            BettingState state = BettingEProcess.StartHarm(0.5);
            for (int tick = 0; tick < ticks && !state.Rejects(alpha); tick++)
            {
                state = BettingEProcess.Observe(state, random.NextDouble());
            }
            alarms += state.Rejects(alpha) ? 1 : 0;
        }
        Assert.InRange(alarms, 0, (int)(runs * (alpha + (3 * Math.Sqrt(alpha * (1 - alpha) / runs)))));
    }

    [Fact]
    public void The_forecast_is_exact_for_steady_growth_and_absent_without_growth()
    {
        BettingState growing = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.5), [0.0, 0.0, 0.0]);
        BettingState shrinking = BettingEProcess.Observe(BettingEProcess.StartPromotion(0.5), [1.0]);

        Near.Equal(Math.Log(20) * 3 / growing.LogE, DeviceFloor.Forecast(growing, 0.05)!.Value);
        Assert.Null(DeviceFloor.Forecast(shrinking, 0.05));
        Assert.Null(DeviceFloor.Forecast(BettingEProcess.StartPromotion(0.5), 0.05));
    }

    private static double Harm(double m, IEnumerable<double> xs) => BettingEProcess.Observe(BettingEProcess.StartHarm(m), xs).LogE;

    private static double Promotion(double m, IEnumerable<double> xs) => BettingEProcess.Observe(BettingEProcess.StartPromotion(m), xs).LogE;
}

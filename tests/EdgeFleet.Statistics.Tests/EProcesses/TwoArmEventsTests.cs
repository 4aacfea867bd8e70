using EdgeFleet.Statistics.EProcesses;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class TwoArmEventsTests
{
    [Fact]
    public void One_event_of_the_candidate_is_the_mean_of_the_likelihood_ratios()
    {
        // Equal exposures and ratio 1: an event is the candidate's with chance 1/2, under c times the rate with c / (c + 1).
        double expected = new[] { 1.5, 2, 4, 8, 16 }.Average(c => 2 * c / (c + 1));

        Near.Equal(Math.Log(expected), TwoArmEvents.LogE([new ArmTick(1, 3600, 0, 3600)], 1));
    }

    [Fact]
    public void Ticks_without_events_and_events_without_a_control_say_nothing()
    {
        Near.Equal(0, TwoArmEvents.LogE([], 1.5));
        Near.Equal(0, TwoArmEvents.LogE([new ArmTick(0, 10, 0, 20), new ArmTick(0, 0, 0, 0)], 1.5));
        Near.Equal(0, TwoArmEvents.LogE([new ArmTick(7, 10, 0, 0)], 1.5));
    }

    [Fact]
    public void An_outage_that_meets_both_arms_is_no_harm_and_one_that_meets_the_candidate_is()
    {
        ArmTick[] quiet = [.. Enumerable.Repeat(new ArmTick(0, 20, 0, 80), 50)];

        Assert.True(TwoArmEvents.LogE([.. quiet, new ArmTick(10, 20, 40, 80)], 1.5) < 0);
        Assert.True(TwoArmEvents.LogE([.. quiet, new ArmTick(10, 20, 2, 80)], 1.5) > Math.Log(20));
    }

    [Fact]
    public void A_stage_that_grows_is_judged_by_the_exposures_of_each_tick_and_not_by_their_sum()
    {
        // A burst while nearly all run the baseline, then nearly all run the candidate with the same low rate per device.
        ArmTick[] ticks = [new ArmTick(2, 10, 198, 990), new ArmTick(4, 990, 0, 10)];

        Assert.True(TwoArmEvents.LogE(ticks, 1) < 0.1);
        // Summed up, the same looks as harmless as it gets although the candidate has more of its share in neither tick.
        Assert.True(TwoArmEvents.LogE([new ArmTick(6, 1000, 198, 1000)], 1) < TwoArmEvents.LogE(ticks, 1));
    }

    [Fact]
    public void A_larger_tolerated_ratio_is_never_more_certain_and_the_order_of_ticks_does_not_matter()
    {
        Arbitrary<ArmTick[]> ticks = Gen.Choose(0, 4).Four().Select(n => new ArmTick(n.Item1, 1 + n.Item3, n.Item2, 1 + n.Item4)).ArrayOf().ToArbitrary();
        Check.One(Checks.Config, Prop.ForAll(ticks, Checks.OpenUnit(), Checks.OpenUnit(), (events, a, b) =>
            TwoArmEvents.LogE(events, 3 * Math.Max(a, b)) <= TwoArmEvents.LogE(events, 3 * Math.Min(a, b)) + 1e-9
            && Math.Abs(TwoArmEvents.LogE(events, a) - TwoArmEvents.LogE(events.Reverse(), a)) < 1e-9));
    }

    [Theory]
    [InlineData(1.5, 1), InlineData(1.0, 1)]
    public void Under_the_null_the_e_value_is_one_on_average_exactly_or_less(double nullRatio, double trueRatio)
    {
        // Twelve events in ticks whose exposures change, every path with its probability.
        (double Candidate, double Baseline)[] exposures = [(1, 9), (1, 9), (1, 9), (1, 9), (5, 5), (5, 5), (5, 5), (5, 5), (9, 1), (9, 1), (9, 1), (9, 1)];
        double expected = 0;
        for (int path = 0; path < 1 << exposures.Length; path++)
        {
            double probability = 1;
            List<ArmTick> ticks = [];
            for (int i = 0; i < exposures.Length; i++)
            {
                (double candidate, double baseline) = exposures[i];
                double share = trueRatio * candidate / ((trueRatio * candidate) + baseline);
                bool itsOwn = (path >> i & 1) == 1;
                probability *= itsOwn ? share : 1 - share;
                ticks.Add(new ArmTick(itsOwn ? 1 : 0, candidate, itsOwn ? 0 : 1, baseline));
            }
            expected += probability * Math.Exp(TwoArmEvents.LogE(ticks, nullRatio));
        }
        if (nullRatio.Equals(trueRatio))
        {
            Near.Equal(1, expected);
        }
        else
        {
            Assert.InRange(expected, 0, 1);
        }
    }

    [Fact]
    public void Events_without_exposure_are_a_bug()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => TwoArmEvents.LogE([new ArmTick(1, 0, 0, 1)], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TwoArmEvents.LogE([new ArmTick(0, 1, -1, 1)], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TwoArmEvents.LogE([], 0));
    }
}

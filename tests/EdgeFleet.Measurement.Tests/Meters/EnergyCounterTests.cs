using EdgeFleet.Measurement.Meters;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class EnergyCounterTests
{
    private const long Frequency = 1000;

    [Fact]
    public void A_wrap_adds_what_was_left_of_the_range()
    {
        EnergyCounter counter = new(1e-6, 262_143_328_850, 500, Frequency);
        counter.Next(262_143_000_000, 0);
        Assert.Equal(CounterStep.Added, counter.Next(1_671_150, 100));
        Assert.Equal(2.0, counter.Joules, 9);
    }

    [Fact]
    public void Any_way_of_reading_a_counter_that_wraps_gives_the_energy_that_flowed() =>
        Prop.ForAll(
            Gen.Choose(0, 999_999).ToArbitrary(),
            Gen.Choose(0, 400_000).NonEmptyListOf().ToArbitrary(),
            (start, steps) =>
            {
                EnergyCounter counter = new(1e-6, 1_000_000, 1, Frequency);
                ulong at = (ulong)start;
                long ticks = 0, sum = 0;
                counter.Next(at, ticks);
                foreach (int step in steps)
                {
                    at += (ulong)step;
                    at = at > 1_000_000 ? at - 1_000_000 : at;
                    ticks += 400;
                    sum += step;
                    if (counter.Next(at, ticks) != CounterStep.Added)
                    {
                        return false;
                    }
                }
                return Math.Abs(counter.Joules - (sum * 1e-6)) < 1e-9;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));

    [Fact]
    public void Longer_than_half_a_wrap_is_a_gap_and_counting_goes_on_behind_it()
    {
        EnergyCounter counter = new(1e-6, 100_000_000, 100, Frequency); // 100 J at 100 W: wraps after a second at the soonest
        counter.Next(0, 0);
        Assert.Equal(CounterStep.Added, counter.Next(10_000_000, 500));
        Assert.Equal(CounterStep.Gap, counter.Next(20_000_000, 1001));
        Assert.Equal(CounterStep.Added, counter.Next(25_000_000, 1100));
        Assert.Equal(15.0, counter.Joules, 9);
    }

    [Fact]
    public void A_step_back_without_a_known_range_is_not_added()
    {
        EnergyCounter counter = new(1e-6, null, 500, Frequency);
        counter.Next(50_000_000, 0);
        Assert.Equal(CounterStep.Backwards, counter.Next(1_000_000, 100));
        Assert.Equal(CounterStep.Added, counter.Next(3_000_000, 200));
        Assert.Equal(2.0, counter.Joules, 9);
    }

    [Fact]
    public void More_than_can_have_flowed_is_a_reset_and_no_energy()
    {
        EnergyCounter counter = new(1e-6, 262_143_328_850, 500, Frequency);
        counter.Next(200_000_000_000, 0);
        Assert.Equal(CounterStep.Gap, counter.Next(1_000_000, 100)); // as a wrap this would be 62 kJ in a tenth of a second
        Assert.Equal(0, counter.Joules);
    }
}

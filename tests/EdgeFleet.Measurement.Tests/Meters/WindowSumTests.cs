using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters.Recording;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class WindowSumTests
{
    [Fact]
    public void Energies_and_what_is_always_the_same_error_add_up_and_chance_adds_in_squares()
    {
        WindowEnergy sum = WindowSum.Of([Window(3, 1, new EnergyUncertainty(0.3, 0.1, 0.03, 0.04, 0)), Window(5, 1, new EnergyUncertainty(0.5, 0.1, 0.04, 0.03, 0.2))]);

        Assert.Equal((8.0, 2.0, 4.0, 50), (sum.Joules!.Value, sum.Seconds, sum.MeanWatts!.Value, sum.Samples));
        EnergyUncertainty uncertainty = sum.Uncertainty!;
        Assert.Equal(0.8, uncertainty.Gain!.Value, 12);
        Assert.Equal(0.2, uncertainty.Offset!.Value, 12);
        Assert.Equal(0.05, uncertainty.Quantum!.Value, 12);
        Assert.Equal(0.05, uncertainty.Sampling, 12);
        Assert.Equal(0.2, uncertainty.Edges, 12);
    }

    [Fact]
    public void What_was_missed_in_any_window_was_missed_in_the_sum()
    {
        WindowEnergy late = Window(3, 1, null) with { Dropped = 2, Gaps = 1, LargestGap = TimeSpan.FromSeconds(0.4) };
        WindowEnergy sum = WindowSum.Of([late, Window(5, 1, null), late with { Dropped = 1, LargestGap = TimeSpan.FromSeconds(0.2) }]);
        Assert.Equal((3, 2, TimeSpan.FromSeconds(0.4)), (sum.Dropped, sum.Gaps, sum.LargestGap));
    }

    [Fact]
    public void What_is_not_known_of_one_window_is_not_known_of_the_sum()
    {
        EnergyUncertainty? sum = WindowSum.Of([Window(3, 1, new EnergyUncertainty(0.3, null, 0.03, 0, 0)), Window(5, 1, new EnergyUncertainty(0.5, 0.1, null, 0, 0))]).Uncertainty;

        Assert.Equal((null, null), (sum!.Offset, sum.Quantum));
        Assert.False(sum.IsComplete);
        Assert.Equal(0.8, sum.Gain!.Value, 12);
    }

    [Fact]
    public void One_window_without_energy_leaves_the_sum_without_and_says_why()
    {
        WindowEnergy lost = Window(0, 1, null) with { State = ReadingState.Absent, Joules = null, Reason = "the sensor was gone" };
        WindowEnergy sum = WindowSum.Of([Window(3, 1, new EnergyUncertainty(0, 0, 0, 0, 0)), lost]);

        Assert.Equal((ReadingState.Absent, null, null, "the sensor was gone"), (sum.State, sum.Joules, sum.MeanWatts, sum.Reason));
        Assert.Throws<ArgumentException>(() => WindowSum.Of([]));
    }

    private static WindowEnergy Window(double joules, double seconds, EnergyUncertainty? uncertainty) => new()
    {
        State = ReadingState.Measured,
        Source = "a test",
        Seconds = seconds,
        Joules = joules,
        MeanWatts = joules / seconds,
        Samples = 25,
        Uncertainty = uncertainty,
    };
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters.Recording;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class IdleSubtractionTests
{
    [Fact]
    public void Total_and_dynamic_energy_are_both_given()
    {
        // The ResNet50 anchor of MLPerf 3.1 on an AGX Orin at the wall: 18.0 W at 664.65 inferences a second, 9.6 W at rest.
        InferenceEnergy energy = IdleSubtraction.Of(Window(18.0, 600), Window(9.6, 20), Window(9.6, 10), (long)(664.65 * 600));
        Assert.Equal(27.08e-3, energy.Total.Joules!.Value, 1e-5);
        Assert.Equal(12.64e-3, energy.Dynamic.Joules!.Value, 1e-5);
        Assert.Equal(18 / 8.4, energy.Amplification!.Value, 9);
        Assert.Equal((9.6, false), (energy.IdleWatts!.Value, energy.IdleDrift));
    }

    [Fact]
    public void An_offset_cancels_in_the_difference_and_a_gain_acts_on_it_alone()
    {
        EnergyUncertainty gain = new(0.0025 * 180, 0, 0, 0, 0), offset = new(0, 0.8, 0, 0, 0);
        InferenceEnergy byGain = IdleSubtraction.Of(Window(18, 10, gain), Window(9, 20), null, 10);
        Assert.Equal(0.0025 * 18, byGain.Total.StandardUncertainty!.Value, 9);
        Assert.Equal(0.0025 * 9, byGain.Dynamic.StandardUncertainty!.Value, 9);
        InferenceEnergy byOffset = IdleSubtraction.Of(Window(18, 10, offset), Window(9, 20, offset), null, 10);
        Assert.Equal((0.08, 0.0), (byOffset.Total.StandardUncertainty!.Value, byOffset.Dynamic.StandardUncertainty!.Value));
    }

    [Fact]
    public void Noise_of_both_windows_is_in_the_difference()
    {
        InferenceEnergy energy = IdleSubtraction.Of(Window(18, 10, new(0, 0, 0, 3, 0)), Window(9, 20, new(0, 0, 0, 8, 0)), null, 1);
        Assert.Equal(5, energy.Dynamic.StandardUncertainty!.Value, 9); // 3 J of the run, and 8 J in 20 s are 4 J in its 10 s
    }

    [Theory, InlineData(10, 8.0, true), InlineData(10, 8.001, false), InlineData(10, 10, false), InlineData(10, 11, false)]
    public void A_difference_that_magnifies_errors_more_than_five_times_is_withheld(double run, double idle, bool given)
    {
        InferenceEnergy energy = IdleSubtraction.Of(Window(run, 10), Window(idle, 20), null, 100);
        Assert.Equal(given ? ReadingState.Measured : ReadingState.Absent, energy.Dynamic.State);
        Assert.Equal(given, energy.Dynamic.Joules is not null);
        Assert.Equal(given, energy.Dynamic.Reason is null);
        Assert.Equal(1.0, energy.Total.Joules!.Value, 9);
    }

    [Theory, InlineData(5.0, 5.07, false), InlineData(5.0, 5.09, true), InlineData(1.0, 1.035, true), InlineData(1.0, 1.025, false)]
    public void Idle_power_that_moved_by_three_percent_or_two_quanta_has_drifted_and_widens_the_interval(double before, double after, bool drift)
    {
        InferenceEnergy energy = IdleSubtraction.Of(Window(20, 10), Window(before, 10), Window(after, 10), 1);
        Assert.Equal(drift, energy.IdleDrift);
        Assert.Equal((before + after) / 2, energy.IdleWatts!.Value, 9);
        Assert.Equal(drift ? (after - before) * 10 : 0, energy.Dynamic.StandardUncertainty!.Value, 9);
    }

    [Fact]
    public void Without_a_window_at_rest_the_total_stands_and_the_dynamic_part_says_why_not()
    {
        WindowEnergy absent = new() { State = ReadingState.Absent, Reason = "in1_input: ENODEV", Source = "modelled", Seconds = 20 };
        foreach (InferenceEnergy energy in (InferenceEnergy[])[IdleSubtraction.Of(Window(18, 10), absent, Window(9, 10), 10), IdleSubtraction.Of(Window(18, 10), Window(9, 10), absent, 10)])
        {
            Assert.Equal(18, energy.Total.Joules!.Value, 9);
            Assert.Equal(ReadingState.Absent, energy.Dynamic.State);
            Assert.Contains("ENODEV", energy.Dynamic.Reason, StringComparison.Ordinal);
        }
        InferenceEnergy nothing = IdleSubtraction.Of(absent, Window(9, 20), null, 10);
        Assert.Equal((null, null), (nothing.Total.Joules, nothing.Dynamic.Joules));
        Assert.Contains("ENODEV", nothing.Total.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_modelled_stays_modelled()
    {
        InferenceEnergy energy = IdleSubtraction.Of(Window(18, 10) with { State = ReadingState.Modelled }, Window(9, 20) with { State = ReadingState.Modelled }, null, 10);
        Assert.Equal((ReadingState.Modelled, ReadingState.Modelled), (energy.Total.State, energy.Dynamic.State));
    }

    private static WindowEnergy Window(double watts, double seconds, EnergyUncertainty? uncertainty = null) => new()
    {
        State = ReadingState.Measured,
        Source = "modelled",
        Seconds = seconds,
        Joules = watts * seconds,
        MeanWatts = watts,
        QuantumWatts = 0.04,
        Uncertainty = uncertainty ?? new EnergyUncertainty(0, 0, 0, 0, 0),
    };
}

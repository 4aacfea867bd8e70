using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>Traces with a closed form, sampled every 100 ms; ticks are microseconds.</summary>
public sealed class EnergyIntegratorTests
{
    private const long Second = 1_000_000, Period = Second / 10;

    [Theory, InlineData(0, 5_000_000), InlineData(30_000, 4_970_000), InlineData(199_999, 2_700_001)]
    public void Constant_power_is_power_times_time_wherever_the_window_begins(long from, long to)
    {
        WindowEnergy window = Integrate(Sample(_ => 9.25), from, to);
        Assert.Equal(9.25 * (to - from) / Second, window.Joules!.Value, 9);
        Assert.Equal(9.25, window.MeanWatts!.Value, 9);
        Assert.Equal(ReadingState.Measured, window.State);
    }

    [Theory, InlineData(0, 5_000_000), InlineData(33_333, 4_987_654)]
    public void A_ramp_is_integrated_exactly_the_edges_too(long from, long to)
    {
        WindowEnergy window = Integrate(Sample(seconds => 2 + (3 * seconds)), from, to);
        double a = from / (double)Second, b = to / (double)Second;
        Assert.Equal((2 * (b - a)) + (1.5 * ((b * b) - (a * a))), window.Joules!.Value, 9);
    }

    [Fact]
    public void A_square_wave_near_the_period_is_off_by_its_beat_and_the_uncertainty_says_so()
    {
        // 95 ms on 10 W, 95 ms on 0 W, seen every 100 ms: the beat has a period of 3.8 s, so 5 s hold no whole number of it.
        static double Wave(double seconds) => seconds % 0.19 < 0.095 ? 10 : 0;
        WindowEnergy window = Integrate(Sample(Wave), 0, 5 * Second);
        double exact = 10 * ((Math.Floor(5 / 0.19) * 0.095) + Math.Min(0.095, 5 % 0.19));
        double error = Math.Abs(window.Joules!.Value - exact);
        Assert.InRange(error, 0.1, 3 * window.Uncertainty!.Total);
        Assert.True(window.Uncertainty.Sampling > 10 * Integrate(Sample(_ => 5), 0, 5 * Second).Uncertainty!.Sampling);
    }

    [Fact]
    public void A_square_wave_of_many_periods_is_its_mean()
    {
        WindowEnergy window = Integrate(Sample(seconds => Math.Floor(seconds / 0.5) % 2 == 0 ? 8 : 2, 30), 0, 20 * Second);
        Assert.InRange(window.MeanWatts!.Value, 5 - (3 * window.Uncertainty!.Total / 20), 5 + (3 * window.Uncertainty.Total / 20));
        Assert.Equal(5, window.MeanWatts.Value, 0.1);
    }

    [Fact]
    public void A_spike_weighs_one_period()
    {
        WindowEnergy window = Integrate(Sample(seconds => Math.Abs(seconds - 2.5) < 1e-9 ? 105 : 5), 0, 5 * Second);
        Assert.Equal((5 * 5) + (100 * 0.1), window.Joules!.Value, 9);
    }

    [Fact]
    public void Jitter_of_the_readings_leaves_a_ramp_exact() =>
        Prop.ForAll(Gen.Choose(-40_000, 40_000).ListOf(60).ToArbitrary(), jitter =>
        {
            EnergySample[] samples = [.. jitter.Select((late, i) => (i * Period) + late).Order().Select(ticks => new EnergySample(ticks, 0, 2 + (3.0 * ticks / Second)))];
            WindowEnergy window = Integrate(samples, Second, 4 * Second);
            return Math.Abs(window.Joules!.Value - (6 + (1.5 * 15))) < 1e-9;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));

    [Fact]
    public void A_window_is_the_sum_of_its_halves() =>
        Prop.ForAll(Gen.Choose(1, 2000).ListOf(80).ToArbitrary(), Gen.Choose(2_100_000, 5_000_000).ToArbitrary(), (watts, middle) =>
        {
            EnergySample[] samples = [.. watts.Select((value, i) => new EnergySample(i * Period, 0, value / 100.0))];
            double whole = Integrate(samples, 10_000, 7_700_000).Joules!.Value;
            return Math.Abs(whole - Integrate(samples, 10_000, middle).Joules!.Value - Integrate(samples, middle, 7_700_000).Joules!.Value) < 1e-9;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));

    [Fact]
    public void A_counter_is_subtracted_and_not_integrated()
    {
        // 10 ms bursts that no sample of power would have seen.
        EnergySample[] samples = [.. Sample(_ => 0).Select((sample, i) => sample with { Value = i * 0.5 })];
        WindowEnergy window = Integrate(samples, 50_000, 4_950_000, Counter);
        Assert.Equal(5 * 4.9, window.Joules!.Value, 9);
        Assert.Equal(0, window.Uncertainty!.Sampling);
        Assert.Equal(61e-6 / Math.Sqrt(6), window.Uncertainty.Quantum!.Value, 9);
    }

    [Fact]
    public void Two_dropped_readings_in_thirty_are_too_many_for_power_one_is_bridged_and_a_counter_loses_nothing()
    {
        EnergySample[] samples = Sample(seconds => seconds);
        samples[20] = samples[20] with { Value = double.NaN };
        WindowEnergy one = Integrate(samples, Second, 4 * Second);
        Assert.Equal((ReadingState.Measured, 1, 30), (one.State, one.Dropped, one.Samples));
        Assert.Equal(7.5, one.Joules!.Value, 9);

        samples[30] = samples[30] with { Value = double.NaN };
        WindowEnergy two = Integrate(samples, Second, 4 * Second);
        Assert.Equal((ReadingState.Absent, 2), (two.State, two.Dropped));
        Assert.Null(two.Joules);
        Assert.Contains("2 of 31 readings dropped", two.Reason, StringComparison.Ordinal);
        Assert.Equal(3, Integrate(samples, Second, 4 * Second, Counter).Joules!.Value, 9);
    }

    [Fact]
    public void One_dropped_reading_in_two_hundred_is_bridged()
    {
        EnergySample[] samples = Sample(seconds => 2 + seconds, 30);
        samples[100] = samples[100] with { Value = double.NaN };
        WindowEnergy window = Integrate(samples, Second, 21 * Second);
        Assert.Equal((ReadingState.Measured, 1, TimeSpan.FromMilliseconds(200)), (window.State, window.Dropped, window.LargestGap));
        Assert.Equal(40 + (0.5 * (441 - 1)), window.Joules!.Value, 9);
    }

    [Fact]
    public void Readings_that_were_not_made_count_as_dropped()
    {
        EnergySample[] samples = [.. Sample(_ => 5).Where((_, i) => i is not (20 or 21))];
        samples[20] = samples[20] with { Missed = 2 };
        WindowEnergy window = Integrate(samples, Second, 4 * Second);
        Assert.Equal((ReadingState.Absent, 2), (window.State, window.Dropped));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void More_than_three_periods_without_a_reading_is_a_gap_with_the_reason_of_the_sensor(bool counter)
    {
        EnergySample[] samples = Sample(_ => 5, 40);
        for (int i = 100; i < 103; i++)
        {
            samples[i] = samples[i] with { Value = double.NaN };
        }
        WindowEnergy window = EnergyIntegrator.Integrate(samples, counter ? Counter : Meter, Second, 39 * Second, Second, "in1_input: No such device (ENODEV)");
        Assert.Equal((ReadingState.Absent, 1, TimeSpan.FromMilliseconds(400)), (window.State, window.Gaps, window.LargestGap));
        Assert.Contains("ENODEV", window.Reason, StringComparison.Ordinal);
        // Two missing ones are three periods, and no more than that.
        samples[102] = samples[102] with { Value = 5 };
        Assert.Equal(0, EnergyIntegrator.Integrate(samples, Meter, Second, 39 * Second, Second).Gaps);
    }

    [Fact]
    public void Energy_that_the_meter_does_not_know_leaves_none_for_windows_over_it_and_spares_the_others()
    {
        EnergySample[] samples = Sample(seconds => 5 * seconds);
        samples[25] = samples[25] with { Gap = true };
        Assert.Equal(ReadingState.Absent, Integrate(samples, Second, 4 * Second, Counter).State);
        Assert.Equal(5, Integrate(samples, Second, 2 * Second, Counter).Joules!.Value, 9);
        Assert.Equal(5, Integrate(samples, 3 * Second, 4 * Second, Counter).Joules!.Value, 9);
        // Also where it hides behind an absent reading.
        samples[25] = samples[25] with { Value = double.NaN };
        Assert.Equal(ReadingState.Absent, Integrate(samples, Second, 4 * Second, Counter).State);
    }

    [Fact]
    public void Fewer_than_twenty_samples_of_power_are_too_few_and_a_counter_needs_two()
    {
        Assert.Equal(ReadingState.Absent, Integrate(Sample(_ => 5), 50_000, 1_949_999).State);
        Assert.Contains("19 readings", Integrate(Sample(_ => 5), 50_000, 1_949_999).Reason, StringComparison.Ordinal);
        Assert.Equal(ReadingState.Measured, Integrate(Sample(_ => 5), 50_000, 2_050_000).State);
        Assert.Equal(1, Integrate(Sample(seconds => 5 * seconds), 50_000, 250_000, Counter).Joules!.Value, 9);
        Assert.Equal(ReadingState.Absent, Integrate(Sample(seconds => 5 * seconds), 50_000, 149_999, Counter).State);
    }

    [Theory, InlineData(-1, 3_000_000, "before the beginning"), InlineData(1_000_000, 5_900_001, "after the end")]
    public void A_window_that_the_readings_do_not_reach_around_is_absent(long from, long to, string reason)
    {
        WindowEnergy window = Integrate(Sample(_ => 5), from, to);
        Assert.Equal((ReadingState.Absent, null), (window.State, window.Joules));
        Assert.Contains(reason, window.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Averaging_does_not_help_against_a_quantum_that_the_signal_does_not_leave()
    {
        double still = Integrate(Sample(_ => 9.25), 0, 5 * Second).Uncertainty!.Quantum!.Value;
        double within = Integrate(Sample(seconds => 9.25 + (0.03 * (seconds % 0.2 < 0.1 ? 0 : 1))), 0, 5 * Second).Uncertainty!.Quantum!.Value;
        double moving = Integrate(Sample(seconds => 9.25 + (0.05 * (seconds % 0.2 < 0.1 ? 0 : 1))), 0, 5 * Second).Uncertainty!.Quantum!.Value;
        Assert.Equal(0.04 * 5 / Math.Sqrt(12), still, 9);
        Assert.Equal(still, within, 9);
        Assert.Equal(0.04 * 5 / Math.Sqrt(12 * 51), moving, 9);
    }

    [Fact]
    public void The_budget_is_the_root_of_the_sum_of_squares_of_its_parts()
    {
        EnergySample[] samples = [.. Sample(seconds => 10 + (0.5 * Math.Sin(seconds * 40))).Select(sample => sample with { HalfTicks = 2000 })];
        EnergyUncertainty budget = Integrate(samples, 0, 5 * Second).Uncertainty!;
        Assert.Equal(0.0025 * Integrate(samples, 0, 5 * Second).Joules!.Value, budget.Gain!.Value, 9);
        Assert.Equal(0.08 * 5, budget.Offset!.Value, 9);
        // Two edges, each at about 10 W known to 2 ms, and the change of power there over a period.
        Assert.InRange(budget.Edges, 10 * 0.002 * 1.4, 0.15);
        Assert.Equal(Math.Sqrt(Square(budget.Gain.Value) + Square(budget.Offset.Value) + Square(budget.Quantum!.Value) + Square(budget.Sampling) + Square(budget.Edges)), budget.Total, 12);
        Assert.True(budget.IsComplete);
    }

    [Fact]
    public void What_the_maker_does_not_state_is_unknown_and_not_zero()
    {
        MeterIdentity meter = Meter with { Accuracy = MeterAccuracy.Unknown, QuantumWatts = null };
        EnergyUncertainty budget = Integrate(Sample(seconds => 5 + seconds), 0, 5 * Second, meter).Uncertainty!;
        Assert.Equal((null, null, null, false), (budget.Gain, budget.Offset, budget.Quantum, budget.IsComplete));
        Assert.True(budget.Total > 0);
    }

    [Fact]
    public void A_trend_counts_as_few_independent_readings_and_noise_as_many()
    {
        Random random = new(7);
        double[] noise = [.. Enumerable.Range(0, 60).Select(_ => 5 + random.NextDouble())];
        EnergySample[] scattered = [.. noise.Select((watts, i) => new EnergySample(i * Period, 0, watts))];
        EnergySample[] sorted = [.. noise.Order().Select((watts, i) => new EnergySample(i * Period, 0, watts))];
        Assert.True(Integrate(sorted, 0, 5 * Second).Uncertainty!.Sampling > 2 * Integrate(scattered, 0, 5 * Second).Uncertainty!.Sampling);
    }

    private static MeterIdentity Meter { get; } = new()
    {
        Source = "modelled trace",
        Chip = "none",
        Rails = ["trace"],
        Kind = MeterKind.Sampled,
        Scope = MeterScope.Board,
        QuantumWatts = 0.04,
        Accuracy = new MeterAccuracy(0.0025, 0.08, "INA3221 at 5 milliohm and 5 V"),
    };

    private static MeterIdentity Counter { get; } = Meter with { Kind = MeterKind.Accumulating, QuantumWatts = null, QuantumJoules = 61e-6 };

    private static double Square(double value) => value * value;

    private static EnergySample[] Sample(Func<double, double> watts, double seconds = 5.9) =>
        [.. Enumerable.Range(0, (int)Math.Round(seconds * 10) + 1).Select(i => new EnergySample(i * Period, 0, watts(i * 0.1)))];

    private static WindowEnergy Integrate(EnergySample[] samples, long from, long to, MeterIdentity? meter = null) =>
        EnergyIntegrator.Integrate(samples, meter ?? Meter, from, to, Second);
}

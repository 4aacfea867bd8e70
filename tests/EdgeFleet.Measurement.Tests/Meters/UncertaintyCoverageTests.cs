using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;

namespace EdgeFleet.Measurement.Tests.Meters;

/// <summary>
/// Whether the uncertainty that is stated covers the errors that are made: simulated boards whose true energy is known, seen
/// through a quantised meter at jittered moments. Seeds are fixed.
/// </summary>
public sealed class UncertaintyCoverageTests
{
    private const int Windows = 400, PerPeriod = 20, Steps = 7 * 10 * PerPeriod;
    private const double Quantum = 0.04, Step = 0.1 / PerPeriod;

    [Theory]
    [InlineData(0.0, 0.0)]  // noise from one moment to the next
    [InlineData(0.98, 0.0)] // noise that lasts for a quarter of a second
    [InlineData(0.98, 0.4)] // the same on a slope
    public void Two_standard_uncertainties_hold_the_true_energy_nearly_always(double memory, double slopeWattsPerSecond)
    {
        int held = 0;
        double widest = 0;
        for (int seed = 1; seed <= Windows; seed++)
        {
            (EnergySample[] samples, double truth) = Simulate(new Random(seed), memory, slopeWattsPerSecond);
            WindowEnergy window = EnergyIntegrator.Integrate(samples, s_meter, 1000, 6000, 1000);
            held += Math.Abs(window.Joules!.Value - truth) <= 2 * window.Uncertainty!.Total ? 1 : 0;
            widest = Math.Max(widest, window.Uncertainty.Total / window.Joules.Value);
        }
        Assert.InRange(held / (double)Windows, 0.94, 1);
        // And it is no excuse: a statement that is always wide would hold everything.
        Assert.InRange(widest, 0, slopeWattsPerSecond > 0 ? 0.06 : 0.03);
    }

    [Theory, InlineData(0.0), InlineData(0.98)]
    public void A_counter_s_window_that_begins_between_two_readings_is_covered_too(double memory)
    {
        int held = 0;
        for (int seed = 1; seed <= Windows; seed++)
        {
            Random random = new(seed);
            double[] joules = Accumulate(Watts(random, memory, 0));
            EnergySample[] samples = [.. Moments(random).Select(i => new EnergySample((long)(i * Step * 1000), 0, joules[i]))];
            // Edges at steps of the simulation, somewhere between two readings of the meter.
            int begin = 200 + random.Next(20), end = begin + 150;
            WindowEnergy window = EnergyIntegrator.Integrate(samples, s_counter, (long)(begin * Step * 1000), (long)(end * Step * 1000), 1000);
            held += Math.Abs(window.Joules!.Value - (joules[end] - joules[begin])) <= 2 * window.Uncertainty!.Total ? 1 : 0;
        }
        Assert.InRange(held / (double)Windows, 0.94, 1);
    }

    [Fact]
    public void A_load_that_never_leaves_one_quantum_is_off_by_up_to_half_of_it_and_the_statement_covers_that()
    {
        int held = 0, heldIfAveraged = 0;
        for (int i = 0; i < Windows; i++)
        {
            double watts = 9.25 + (Quantum * i / Windows);
            EnergySample[] samples = [.. Enumerable.Range(0, 71).Select(k => new EnergySample(k * 100, 0, Quantised(watts)))];
            WindowEnergy window = EnergyIntegrator.Integrate(samples, s_meter, 1000, 6000, 1000);
            double error = Math.Abs(window.Joules!.Value - (watts * 5));
            held += error <= 2 * window.Uncertainty!.Total ? 1 : 0;
            heldIfAveraged += error <= 2 * window.Uncertainty.Total / Math.Sqrt(51) ? 1 : 0;
        }
        Assert.Equal(Windows, held);
        Assert.True(heldIfAveraged < Windows / 2, "the control: dividing by the number of samples would claim too much");
    }

    private static (EnergySample[] Samples, double TrueJoules) Simulate(Random random, double memory, double slope)
    {
        double[] watts = Watts(random, memory, slope), joules = Accumulate(watts);
        EnergySample[] samples = [.. Moments(random).Select(i => new EnergySample((long)(i * Step * 1000), 0, Quantised(watts[i])))];
        return (samples, joules[(int)(6 / Step)] - joules[(int)(1 / Step)]);
    }

    /// <summary>Power in steps of 5 ms; the meter sees about every twentieth of them.</summary>
    private static double[] Watts(Random random, double memory, double slope)
    {
        double[] watts = new double[Steps + 1];
        double noise = 0;
        for (int i = 0; i <= Steps; i++)
        {
            noise = (memory * noise) + (Math.Sqrt(1 - (memory * memory)) * 0.3 * Gauss(random));
            watts[i] = 10 + noise + (slope * i * Step);
        }
        return watts;
    }

    private static double[] Accumulate(double[] watts)
    {
        double[] joules = new double[watts.Length];
        for (int i = 1; i < watts.Length; i++)
        {
            joules[i] = joules[i - 1] + ((watts[i - 1] + watts[i]) / 2 * Step);
        }
        return joules;
    }

    private static IEnumerable<int> Moments(Random random) => Enumerable.Range(0, (Steps / PerPeriod) + 1).Select(i => Math.Clamp((i * PerPeriod) + random.Next(-3, 4), 0, Steps));

    private static double Quantised(double watts) => Math.Round(watts / Quantum) * Quantum;

    private static double Gauss(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static readonly MeterIdentity s_meter = new()
    {
        Source = "simulated",
        Chip = "simulated",
        Rails = ["simulated"],
        Kind = MeterKind.Sampled,
        Scope = MeterScope.Board,
        QuantumWatts = Quantum,
        Accuracy = new MeterAccuracy(0, 0, "simulated without gain and offset"),
    };

    private static readonly MeterIdentity s_counter = s_meter with { Kind = MeterKind.Accumulating, QuantumWatts = null, QuantumJoules = 1e-6 };
}

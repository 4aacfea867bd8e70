using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// Whether the gate's tests keep their promise when they are looked at after every observation: simulated fleets whose true
/// mean is exactly the margin, and the naive test that everybody writes first as a control that must fail.
/// </summary>
internal static class GateEvidence
{
    private const int Runs = 4000;
    private const int Ticks = 500;
    private const double Alpha = 0.05;
    private const double Margin = 0.02;
    private const int DevicesPerTick = 10;
    private const int PairsPerDevice = 20;
    private static readonly double s_act = Math.Log(1 / Alpha);

    public static Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        (double betting, _) = Harm(Margin, cancellationToken);
        (double found, double ticks) = Harm(2.5 * Margin, cancellationToken);
        double naive = NaiveHarm(cancellationToken);
        (double promotedAtMargin, _) = Promotion(Margin, cancellationToken);
        (double promoted, double devices) = Promotion(Margin / 10, cancellationToken);
        string harm = $"{Runs} simulated rollouts of {Ticks} ticks, {DevicesPerTick} devices with {PairsPerDevice} pairs each, margin {Margin:P0}, looked at after each tick";
        string promotion = $"{Runs} simulated classes of {Ticks} devices with {PairsPerDevice} pairs each, margin {Margin:P0}, looked at after each device";
        return Task.FromResult<IReadOnlyList<BenchFigure>>(
        [
            // The bound allows for what this many runs can tell: three standard errors at alpha.
            new("rolled back though harm is exactly at the margin", betting, "share", $"<= {Alpha + Bound:0.####}", betting <= Alpha + Bound, $"betting e-process, alpha {Alpha}; {harm}"),
            new("the same by a z-test at each look, the control", naive, "share", $"> {Alpha + Bound:0.####}", naive > Alpha + Bound, $"must fail; {harm}"),
            new("rolled back where harm is 2.5 times the margin", found, "share", ">= 0.99", found >= 0.99, harm),
            new("ticks until then, median", ticks, "ticks", null, true, harm),
            new("promoted though the class is exactly at the margin", promotedAtMargin, "share", $"<= {Alpha + Bound:0.####}", promotedAtMargin <= Alpha + Bound, $"betting e-process, alpha {Alpha}; {promotion}"),
            new("promoted where harm is a tenth of the margin", promoted, "share", ">= 0.99", promoted >= 0.99, promotion),
            new("devices until then, median", devices, "devices", null, true, promotion),
        ]);
    }

    private static double Bound => 3 * Math.Sqrt(Alpha * (1 - Alpha) / Runs);

    /// <summary>Each tick is the mean over the cohort's devices; their own rates differ around the true one.</summary>
    private static (double Share, double MedianLook) Harm(double mean, CancellationToken cancellationToken) => Simulate(
        run => new Random(run), random => Tick(random, mean), () => BettingEProcess.StartHarm(Margin), cancellationToken);

    /// <summary>Each observation is one device's share of disagreements.</summary>
    private static (double Share, double MedianLook) Promotion(double mean, CancellationToken cancellationToken) => Simulate(
        run => new Random(run), random => Device(random, mean), () => BettingEProcess.StartPromotion(Margin), cancellationToken);

    private static (double Share, double MedianLook) Simulate(
        Func<int, Random> randomOf, Func<Random, double> observe, Func<BettingState> start, CancellationToken cancellationToken)
    {
        int[] looks = new int[Runs];
        Parallel.For(0, Runs, new ParallelOptions { CancellationToken = cancellationToken }, run =>
        {
            Random random = randomOf(run + 1);
            BettingState state = start();
            for (int look = 1; look <= Ticks; look++)
            {
                state = BettingEProcess.Observe(state, observe(random));
                if (state.NullImpossible || state.MaxLogE >= s_act)
                {
                    looks[run] = look;
                    return;
                }
            }
        });
        int[] acted = [.. looks.Where(look => look > 0).Order()];
        return (acted.Length / (double)Runs, acted.Length == 0 ? double.NaN : acted[acted.Length / 2]);
    }

    /// <summary>Mean so far against the margin in standard errors, one-sided at alpha, at every look from the tenth on.</summary>
    private static double NaiveHarm(CancellationToken cancellationToken)
    {
        const double OneSided = 1.6448536269514722;
        int rejected = 0;
        Parallel.For(0, Runs, new ParallelOptions { CancellationToken = cancellationToken }, run =>
        {
            Random random = new(run + 1);
            double sum = 0, squares = 0;
            for (int look = 1; look <= Ticks; look++)
            {
                double x = Tick(random, Margin);
                sum += x;
                squares += x * x;
                double variance = (squares - (sum * sum / look)) / Math.Max(1, look - 1);
                if (look >= 10 && (sum / look) - Margin > OneSided * Math.Sqrt(variance / look))
                {
                    Interlocked.Increment(ref rejected);
                    return;
                }
            }
        });
        return rejected / (double)Runs;
    }

    private static double Tick(Random random, double mean)
    {
        double sum = 0;
        for (int device = 0; device < DevicesPerTick; device++)
        {
            sum += Device(random, mean);
        }
        return sum / DevicesPerTick;
    }

    /// <summary>A device's own rate is zero or twice the mean with equal chance: devices differ, and the mean is as asked.</summary>
    private static double Device(Random random, double mean)
    {
        double rate = random.Next(2) == 0 ? 0 : 2 * mean;
        int disagreements = 0;
        for (int pair = 0; pair < PairsPerDevice; pair++)
        {
            disagreements += random.NextDouble() < rate ? 1 : 0;
        }
        return disagreements / (double)PairsPerDevice;
    }
}

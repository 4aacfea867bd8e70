using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>Many runs of a scenario, and what their number allows to say.</summary>
internal static class Simulation
{
    /// <summary>What a false alarm may be: alpha, and half a percent for what the runs cannot tell.</summary>
    public const double Bar = GateBench.Alpha + 0.005;

    /// <summary>The outcome of each run, in their order.</summary>
    public static T[] Runs<T>(string scenario, int runs, Func<Dice, T> run, CancellationToken cancellationToken)
    {
        T[] outcomes = new T[runs];
        Parallel.For(0, runs, new ParallelOptions { CancellationToken = cancellationToken }, i => outcomes[i] = run(new Dice(scenario, i)));
        return outcomes;
    }

    /// <summary>False alarms: the upper 99 % bound (Clopper-Pearson) of their share has to stay at the bar.</summary>
    public static BenchFigure FalseAlarms(string scenario, bool[] alarms, string source)
    {
        int count = alarms.Count(alarm => alarm);
        double upper = BlockEstimator.UpperRate(count, alarms.Length, 0.99);
        return new BenchFigure(scenario, count / (double)alarms.Length, "share", $"bound <= {Bar}", upper <= Bar,
            FormattableString.Invariant($"{count} of {alarms.Length} runs, upper 99 % bound {upper:0.0000}; {source}"));
    }

    /// <summary>A control: it has to raise more false alarms than chance can explain.</summary>
    public static BenchFigure MustFail(string scenario, bool[] alarms, string source)
    {
        int count = alarms.Count(alarm => alarm);
        double lower = 1 - BlockEstimator.UpperRate(alarms.Length - count, alarms.Length, 0.99);
        return new BenchFigure(scenario, count / (double)alarms.Length, "share", $"bound > {Bar}", lower > Bar,
            FormattableString.Invariant($"a control that must fail: {count} of {alarms.Length} runs, lower 99 % bound {lower:0.0000}; {source}"));
    }

    /// <summary>Share of runs that acted, and the median look at which they did; look 0 is none.</summary>
    public static (double Share, int? MedianLook) Acted(IReadOnlyList<int> looks)
    {
        int[] acted = [.. looks.Where(look => look > 0).Order()];
        return (acted.Length / (double)looks.Count, acted.Length == 0 ? null : acted[acted.Length / 2]);
    }
}

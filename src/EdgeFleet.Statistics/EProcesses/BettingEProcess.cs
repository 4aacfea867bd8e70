using System.Collections.Immutable;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Betting e-process for the mean of observations in [0, 1] (Waudby-Smith and Ramdas), with a fixed grid of bets.
/// By Ville's inequality the chance that E ever reaches 1/alpha under the null is at most alpha, so anyone may look at
/// any time.
/// </summary>
public static class BettingEProcess
{
    // m and sums are decimals in binary; a remaining mean within this of 1 is 1, or rounding would turn a bet's sign.
    private const double Tolerance = 1e-12;

    /// <summary>Starts a test of "mean at most <paramref name="nullMean"/>" for an endless stream of ticks.</summary>
    public static BettingState StartHarm(double nullMean) => Start(BettingDirection.Harm, nullMean, null);

    /// <summary>
    /// Starts a test of "mean at least <paramref name="nullMean"/>". With <paramref name="populationSize"/> the
    /// observations are draws without replacement from a class of that many devices.
    /// </summary>
    public static BettingState StartPromotion(double nullMean, int? populationSize = null) =>
        Start(BettingDirection.Promotion, nullMean, populationSize);

    /// <summary>Takes one observation in [0, 1].</summary>
    public static BettingState Observe(BettingState state, double observation) => Observe(state, [observation]);

    /// <summary>Takes the observations in order; the same as taking them one by one.</summary>
    public static BettingState Observe(BettingState state, IEnumerable<double> observations)
    {
        Span<double> wealth = stackalloc double[BettingGrid.Size];
        state.LogWealth.CopyTo(wealth);
        long count = state.Count;
        double sum = state.Sum, maximum = state.MaxLogE;
        bool impossible = state.NullImpossible;
        foreach (double observation in observations)
        {
            if (!(observation >= 0 && observation <= 1))
            {
                throw new ArgumentOutOfRangeException(nameof(observations), observation, "an observation lies in [0, 1]");
            }
            if (count >= state.PopulationSize)
            {
                throw new InvalidOperationException($"all {state.PopulationSize} members of the class were already observed");
            }
            double nullMean = RemainingNullMean(state, count, sum);
            count++;
            sum += observation;
            if (impossible)
            {
                continue;
            }
            // At 0 or below, the rest of the class would have to lie below 0 for the null to be false: no more bets.
            if (state.PopulationSize is null || nullMean > Tolerance)
            {
                Bet(wealth, state.Direction, nullMean, observation);
            }
            impossible = IsNullImpossible(state, count, sum);
            // The mean is never above the largest, so most steps need not work it out.
            if (!impossible && Largest(wealth) > maximum)
            {
                maximum = Math.Max(maximum, BettingGrid.LogMeanExp(wealth));
            }
        }
        return state with { Count = count, Sum = sum, LogWealth = ImmutableArray.Create<double>(wealth), MaxLogE = maximum, NullImpossible = impossible };
    }

    private static double Largest(ReadOnlySpan<double> values)
    {
        double largest = values[0];
        foreach (double value in values)
        {
            largest = value > largest ? value : largest;
        }
        return largest;
    }

    private static BettingState Start(BettingDirection direction, double nullMean, int? populationSize)
    {
        if (!(nullMean > 0 && nullMean < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(nullMean), nullMean, "the null's mean lies strictly between 0 and 1");
        }
        if (populationSize is < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(populationSize), populationSize, "a class has at least one member");
        }
        return new BettingState
        {
            Direction = direction,
            NullMean = nullMean,
            PopulationSize = populationSize,
            LogWealth = ImmutableArray.Create(new double[BettingGrid.Size]),
        };
    }

    private static void Bet(Span<double> wealth, BettingDirection direction, double nullMean, double observation)
    {
        // A remaining mean of 1 says that under the null every device left shows exactly 1; betting has nothing to add,
        // and any other value makes the null impossible, which is decided after the bet.
        if (direction == BettingDirection.Promotion && nullMean >= 1 - Tolerance)
        {
            return;
        }
        double edge = direction == BettingDirection.Harm
            ? (observation - nullMean) / nullMean
            : (nullMean - observation) / (1 - nullMean);
        ReadOnlySpan<double> fractions = BettingGrid.Fractions;
        for (int g = 0; g < wealth.Length; g++)
        {
            wealth[g] += PortableMath.Log(1 + (fractions[g] * edge));
        }
    }

    // Mean that the members not yet seen must have (at least) for the null to hold for the whole class.
    private static double RemainingNullMean(BettingState state, long count, double sum) =>
        state.PopulationSize is { } size ? ((size * state.NullMean) - sum) / (size - count) : state.NullMean;

    private static bool IsNullImpossible(BettingState state, long count, double sum) =>
        state.PopulationSize is { } size && (size * state.NullMean) - sum > size - count + (Tolerance * size);
}

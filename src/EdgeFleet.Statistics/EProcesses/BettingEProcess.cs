using System.Collections.Immutable;

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

    /// <summary>Takes the observations in order.</summary>
    public static BettingState Observe(BettingState state, IEnumerable<double> observations)
    {
        foreach (double observation in observations)
        {
            state = Observe(state, observation);
        }
        return state;
    }

    /// <summary>Takes one observation in [0, 1].</summary>
    public static BettingState Observe(BettingState state, double observation)
    {
        if (!(observation >= 0 && observation <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(observation), observation, "an observation lies in [0, 1]");
        }
        if (state.PopulationSize is { } size && state.Count >= size)
        {
            throw new InvalidOperationException($"all {size} members of the class were already observed");
        }

        double nullMean = RemainingNullMean(state);
        BettingState next = state with { Count = state.Count + 1, Sum = state.Sum + observation };
        if (state.NullImpossible)
        {
            return next;
        }
        // The rest of the class would have to lie below 0: the sample alone already makes the null true. No more bets.
        bool frozen = state.PopulationSize is not null && nullMean <= Tolerance;
        if (!frozen)
        {
            next = next with { LogWealth = Bet(state, nullMean, observation) };
        }
        next = next with { NullImpossible = IsNullImpossible(next) };
        double logE = next.LogE;
        return next with { MaxLogE = double.IsPositiveInfinity(logE) || logE <= next.MaxLogE ? next.MaxLogE : logE };
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

    private static ImmutableArray<double> Bet(BettingState state, double nullMean, double observation)
    {
        // A remaining mean of 1 says that under the null every device left shows exactly 1; betting has nothing to add,
        // any other value makes the null impossible, and that is decided by the caller.
        if (state.Direction == BettingDirection.Promotion && nullMean >= 1 - Tolerance)
        {
            return state.LogWealth;
        }
        double edge = state.Direction == BettingDirection.Harm
            ? (observation - nullMean) / nullMean
            : (nullMean - observation) / (1 - nullMean);
        var next = new double[BettingGrid.Size];
        ReadOnlySpan<double> fractions = BettingGrid.Fractions;
        for (int g = 0; g < next.Length; g++)
        {
            next[g] = state.LogWealth[g] + Math.Log(1 + (fractions[g] * edge));
        }
        return ImmutableArray.Create(next);
    }

    // Mean that the members not yet seen must have (at least) for the null to hold for the whole class.
    private static double RemainingNullMean(BettingState state) =>
        state.PopulationSize is { } size
            ? ((size * state.NullMean) - state.Sum) / (size - state.Count)
            : state.NullMean;

    private static bool IsNullImpossible(BettingState state)
    {
        if (state.PopulationSize is not { } size)
        {
            return false;
        }
        double needed = (size * state.NullMean) - state.Sum;
        return needed > (size - state.Count) + (Tolerance * size);
    }
}

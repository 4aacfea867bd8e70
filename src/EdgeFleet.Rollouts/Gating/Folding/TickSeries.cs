using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>One metric over ticks in their order: what was bet, and how much neighbouring ticks have in common.</summary>
public sealed record TickSeries
{
    public required BettingState State { get; init; }

    public SeriesMoments Moments { get; init; }

    internal static TickSeries Start(double harmNull) => new() { State = BettingEProcess.StartHarm(harmNull) };

    internal TickSeries With(double observation) =>
        new() { State = BettingEProcess.Observe(State, observation), Moments = Moments.With(observation) };

    internal TickSeries With(IReadOnlyList<double> observations)
    {
        SeriesMoments moments = Moments;
        foreach (double observation in observations)
        {
            moments = moments.With(observation);
        }
        return observations.Count == 0 ? this : new TickSeries { State = BettingEProcess.Observe(State, observations), Moments = moments };
    }
}

using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>Total and dynamic energy per inference.</summary>
public static class IdleSubtraction
{
    private const double MostAmplification = 5, DriftShare = 0.03, DriftQuanta = 2;

    /// <param name="run">While inferences ran.</param>
    /// <param name="idleBefore">At rest before them; the same meter.</param>
    /// <param name="idleAfter">At rest after them; null where it was not measured.</param>
    /// <param name="inferences">In the run window.</param>
    public static InferenceEnergy Of(WindowEnergy run, WindowEnergy idleBefore, WindowEnergy? idleAfter, long inferences)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(inferences, 1);
        (double Watts, double Uncertainty, bool Drift)? idle = Idle(idleBefore, idleAfter);
        if (run is not { Joules: { } joules, Uncertainty: { } uncertainty, MeanWatts: { } watts })
        {
            string reason = run.Reason ?? "the run was not measured";
            return new InferenceEnergy { Total = EnergyFigure.Absent(reason), Dynamic = EnergyFigure.Absent(reason), IdleWatts = idle?.Watts, IdleDrift = idle?.Drift ?? false };
        }
        EnergyFigure total = new(run.State, joules / inferences, uncertainty.Total / inferences, uncertainty.IsComplete, null);
        if (idle is not { } rest)
        {
            string? reason = idleBefore.State == ReadingState.Absent ? idleBefore.Reason : idleAfter?.Reason;
            return new InferenceEnergy { Total = total, Dynamic = EnergyFigure.Absent($"no idle power: {reason}") };
        }
        double above = watts - rest.Watts;
        double? amplification = above > 0 ? watts / above : null;
        return new InferenceEnergy
        {
            Total = total,
            Dynamic = amplification is > 0 and <= MostAmplification
                ? Dynamic(run, uncertainty, above, rest.Uncertainty, inferences)
                : EnergyFigure.Absent(FormattableString.Invariant($"{watts:0.###} W against {rest.Watts:0.###} W at rest: the difference magnifies errors {(amplification is { } a ? FormattableString.Invariant($"{a:0.#}") : "beyond bounds")} times, at most {MostAmplification} are allowed")),
            IdleWatts = rest.Watts,
            IdleDrift = rest.Drift,
            Amplification = amplification,
        };
    }

    /// <summary>The gain acts on the difference alone, and an offset is in both and cancels.</summary>
    private static EnergyFigure Dynamic(WindowEnergy run, EnergyUncertainty uncertainty, double above, double idleUncertainty, long inferences)
    {
        double joules = above * run.Seconds;
        double? gain = uncertainty.Gain * above / run.MeanWatts;
        double total = Math.Sqrt(EnergyUncertainty.Square(gain) + EnergyUncertainty.Square(uncertainty.Quantum)
            + EnergyUncertainty.Square(uncertainty.Sampling) + EnergyUncertainty.Square(uncertainty.Edges) + EnergyUncertainty.Square(idleUncertainty * run.Seconds));
        return new EnergyFigure(run.State, joules / inferences, total / inferences, gain is not null && uncertainty.Quantum is not null, null);
    }

    /// <summary>Mean power at rest, weighted by time, and its uncertainty without gain and offset; drift widens it by the difference.</summary>
    private static (double Watts, double Uncertainty, bool Drift)? Idle(WindowEnergy before, WindowEnergy? after)
    {
        if (before is not { Joules: { } first, Uncertainty: { } firstUncertainty, MeanWatts: { } firstWatts })
        {
            return null;
        }
        double firstSquares = Random(firstUncertainty);
        if (after is null)
        {
            return (firstWatts, Math.Sqrt(firstSquares) / before.Seconds, false);
        }
        if (after is not { Joules: { } second, Uncertainty: { } secondUncertainty, MeanWatts: { } secondWatts })
        {
            return null;
        }
        double seconds = before.Seconds + after.Seconds;
        double watts = (first + second) / seconds;
        double difference = Math.Abs(firstWatts - secondWatts);
        bool drift = difference > DriftShare * Math.Abs(watts) || difference > DriftQuanta * Math.Max(before.QuantumWatts ?? double.PositiveInfinity, after.QuantumWatts ?? double.PositiveInfinity);
        double uncertainty = Math.Sqrt(firstSquares + Random(secondUncertainty)) / seconds;
        return (watts, drift ? Math.Sqrt((uncertainty * uncertainty) + (difference * difference)) : uncertainty, drift);
    }

    private static double Random(EnergyUncertainty uncertainty) =>
        EnergyUncertainty.Square(uncertainty.Quantum) + EnergyUncertainty.Square(uncertainty.Sampling) + EnergyUncertainty.Square(uncertainty.Edges);
}

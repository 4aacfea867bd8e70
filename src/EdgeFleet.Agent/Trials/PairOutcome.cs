namespace EdgeFleet.Agent.Trials;

/// <summary>What one input showed.</summary>
internal enum PairState
{
    /// <summary>Both answered.</summary>
    Compared,
    /// <summary>The input is of no use: the baseline did not answer it, or with what is no number. That is the input's doing.</summary>
    BaselineFailed,
    CandidateFailed,
}

/// <summary>One input on both models.</summary>
/// <param name="BaselineTicks">Stopwatch ticks of the baseline's run; the candidate's likewise. They count where the pair is timed.</param>
/// <param name="Baseline">What the answers say of classes; null where they say nothing.</param>
internal readonly record struct PairOutcome(
    PairState State, bool Disagrees, bool NonFinite, bool WrongShape, long BaselineTicks, long CandidateTicks, AnswerRows? Baseline = null, AnswerRows? Candidate = null)
{
    public static PairOutcome Failed(PairState state) => new(state, false, false, false, 0, 0);
}

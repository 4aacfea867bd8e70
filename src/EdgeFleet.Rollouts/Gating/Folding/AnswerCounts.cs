namespace EdgeFleet.Rollouts.Gating.Folding;

/// <summary>Answers of baseline, candidate and the baseline's second run, counted by confidence and by class; empty lists where none were told.</summary>
public sealed record AnswerCounts
{
    public static AnswerCounts None { get; } = new();

    public IReadOnlyList<long> BaselineScores { get; init; } = [];
    public IReadOnlyList<long> CandidateScores { get; init; } = [];
    public IReadOnlyList<long> NoiseScores { get; init; } = [];
    public IReadOnlyList<long> BaselineTop1 { get; init; } = [];
    public IReadOnlyList<long> CandidateTop1 { get; init; } = [];
    public IReadOnlyList<long> NoiseTop1 { get; init; } = [];

    internal AnswerCounts With(GateTick tick) => tick.Answers is not { } answers ? this : new AnswerCounts
    {
        BaselineScores = Sum(BaselineScores, answers.BaselineScores),
        CandidateScores = Sum(CandidateScores, answers.CandidateScores),
        NoiseScores = Sum(NoiseScores, answers.NoiseScores),
        BaselineTop1 = Sum(BaselineTop1, answers.BaselineTop1),
        CandidateTop1 = Sum(CandidateTop1, answers.CandidateTop1),
        NoiseTop1 = Sum(NoiseTop1, answers.NoiseTop1),
    };

    private static IReadOnlyList<long> Sum(IReadOnlyList<long> one, IReadOnlyList<long> other) =>
        one.Count == 0 ? other : other.Count == 0 ? one
        : [.. Enumerable.Range(0, Math.Max(one.Count, other.Count)).Select(i => (i < one.Count ? one[i] : 0) + (i < other.Count ? other[i] : 0))];
}

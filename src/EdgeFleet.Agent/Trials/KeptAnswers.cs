namespace EdgeFleet.Agent.Trials;

/// <summary>Answers to one request that wait for its label.</summary>
internal sealed record KeptAnswers(string Id, AnswerRows Baseline, AnswerRows Candidate, IReadOnlyList<int> Slices)
{
    public int Bytes => (Id.Length * sizeof(char)) + Baseline.Bytes + Candidate.Bytes;

    public void Forget()
    {
        Baseline.Forget();
        Candidate.Forget();
    }
}

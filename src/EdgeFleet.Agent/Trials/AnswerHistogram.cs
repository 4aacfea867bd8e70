using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>Rows of one arm by the confidence of their answer and by the class on top.</summary>
internal sealed class AnswerHistogram
{
    private int[]? _scores;
    private int[]? _top1;

    public IReadOnlyList<int>? Scores => _scores is null ? null : [.. _scores];

    public IReadOnlyList<int>? Top1 => _top1 is null ? null : [.. _top1];

    public void Add(AnswerRows answer)
    {
        _top1 ??= new int[Math.Min(answer.Classes, ShadowTick.Top1Classes)];
        foreach (int label in answer.Top1.Where(label => label >= 0))
        {
            _top1[Math.Min(label, _top1.Length - 1)]++;
        }
        if (answer.HasScores)
        {
            _scores ??= new int[ShadowTick.ScoreBins];
            for (int row = 0; row < answer.Top1.Count; row++)
            {
                _scores[BinOf(answer.Confidence(row))]++;
            }
        }
    }

    public void Clear() => (_scores, _top1) = (null, null);

    /// <summary>The bin of a confidence in [0, 1].</summary>
    public static int BinOf(double confidence) => Math.Clamp((int)(confidence * ShadowTick.ScoreBins), 0, ShadowTick.ScoreBins - 1);
}

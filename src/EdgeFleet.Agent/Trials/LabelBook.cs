using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Finds the answers that a posted label belongs to. Answers are kept in memory only, bounded by number, size and age, and wiped
/// when they have had their label or are forgotten. A label may come before its request was compared; it waits a minute.
/// </summary>
/// <param name="matched">Takes answers and their label; both fit.</param>
/// <param name="dropped">Takes one of <see cref="LabelDropReasons"/> and how many.</param>
/// <param name="time">Whose ages these are.</param>
internal sealed class LabelBook(Action<KeptAnswers, PostedLabel> matched, Action<string, int> dropped, TimeProvider time)
{
    internal const int MaximumKept = 4096;
    internal const int MaximumGone = 16_384;
    internal const int MaximumEarly = 8192;
    internal const long MaximumBytes = 16L << 20;
    internal static readonly TimeSpan LongestKept = TimeSpan.FromHours(24);
    internal static readonly TimeSpan LongestEarly = TimeSpan.FromMinutes(1);

    /// <summary>Null: several requests had this id.</summary>
    private readonly AgeingMap<KeptAnswers?> _kept = new(time);
    private readonly AgeingMap<PostedLabel> _early = new(time);
    /// <summary>Why a label of this id is no longer of use.</summary>
    private readonly AgeingMap<string> _gone = new(time);
    private long _bytes;

    /// <summary>Both models answered a request that its application can name.</summary>
    public void Keep(KeptAnswers answers)
    {
        Expire();
        if (_kept.TryRemove(answers.Id, out KeptAnswers? same))
        {
            // Which of the two a label would mean, nobody can say.
            Forget(same);
            answers.Forget();
            _kept.TryAdd(answers.Id, null);
        }
        else if (_early.TryRemove(answers.Id, out PostedLabel? label))
        {
            Match(answers, label);
        }
        else
        {
            _kept.TryAdd(answers.Id, answers);
            _bytes += answers.Bytes;
            while ((_kept.Count > MaximumKept || _bytes > MaximumBytes) && TryForgetOldest(TimeSpan.Zero))
            {
            }
        }
    }

    public void Take(PostedLabel label)
    {
        Expire();
        if (_kept.TryRemove(label.Id, out KeptAnswers? answers))
        {
            _bytes -= answers?.Bytes ?? 0;
            if (answers is null)
            {
                dropped(LabelDropReasons.Ambiguous, 1);
                Remember(label.Id, LabelDropReasons.Ambiguous);
            }
            else
            {
                Match(answers, label);
            }
        }
        else if (_gone.TryGet(label.Id, out string? why))
        {
            dropped(why, 1);
        }
        else if (!_early.TryAdd(label.Id, label))
        {
            dropped(LabelDropReasons.Twice, 1);
        }
        else if (_early.Count > MaximumEarly)
        {
            TryForgetEarliest(TimeSpan.Zero);
        }
    }

    /// <summary>Lets go of what is too old.</summary>
    public void Expire()
    {
        while (TryForgetOldest(LongestKept) || TryForgetEarliest(LongestEarly))
        {
        }
    }

    private void Match(KeptAnswers answers, PostedLabel label)
    {
        if (label.Classes.Count == answers.Baseline.Top1.Count && label.Classes.All(one => one >= 0 && one < answers.Baseline.Classes))
        {
            matched(answers, label);
        }
        else
        {
            dropped(LabelDropReasons.Misfit, 1);
        }
        answers.Forget();
        Remember(answers.Id, LabelDropReasons.Twice);
    }

    private bool TryForgetOldest(TimeSpan age)
    {
        if (!_kept.TryRemoveOldest(age, out string? id, out KeptAnswers? answers))
        {
            return false;
        }
        Forget(answers);
        Remember(id, LabelDropReasons.Late);
        return true;
    }

    private bool TryForgetEarliest(TimeSpan age)
    {
        if (!_early.TryRemoveOldest(age, out _, out _))
        {
            return false;
        }
        dropped(LabelDropReasons.Unknown, 1);
        return true;
    }

    private void Forget(KeptAnswers? answers)
    {
        _bytes -= answers?.Bytes ?? 0;
        answers?.Forget();
    }

    private void Remember(string id, string why)
    {
        _gone.TryRemove(id, out _);
        _gone.TryAdd(id, why);
        if (_gone.Count > MaximumGone)
        {
            _gone.TryRemoveOldest(TimeSpan.Zero, out _, out _);
        }
    }
}

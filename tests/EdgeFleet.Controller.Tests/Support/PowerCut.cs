using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Tests.Support;

/// <summary>Where in a transaction the process dies.</summary>
public enum CutMoment
{
    BeforeCommit,
    AfterCommit,
}

/// <summary>What the store meets when the process is killed: it stops there, and nothing after it happens.</summary>
internal sealed class PowerCutException(int commit, CutMoment moment) : Exception($"the power went {moment} {commit}");

/// <summary>Counts commits and cuts the power at one of them.</summary>
internal sealed class PowerCut(int atCommit = 0, CutMoment moment = CutMoment.BeforeCommit) : IWriteObserver
{
    private readonly List<string> _work = [];
    private int _commits;

    public int Commits => _commits;

    /// <summary>What each transaction did, in order.</summary>
    public IReadOnlyList<string> Work => _work;

    public void Committing(IReadOnlyList<string> work)
    {
        _commits++;
        _work.Add(string.Join(", ", work));
        if (_commits == atCommit && moment == CutMoment.BeforeCommit)
        {
            throw new PowerCutException(_commits, moment);
        }
    }

    public void Committed(IReadOnlyList<string> work)
    {
        if (_commits == atCommit && moment == CutMoment.AfterCommit)
        {
            throw new PowerCutException(_commits, moment);
        }
    }
}

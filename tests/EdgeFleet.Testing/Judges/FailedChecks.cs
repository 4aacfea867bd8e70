namespace EdgeFleet.Testing.Judges;

/// <summary>
/// A comparator, written from published behaviour: checks that failed are counted and none that passed takes one away. Flagger
/// rolls back at <c>threshold</c> failed checks, an Argo analysis fails beyond <c>failureLimit</c> failed measurements.
/// </summary>
public sealed class FailedChecks
{
    private readonly int _rollbackAt;
    private int _failed;

    private FailedChecks(int rollbackAt) => _rollbackAt = rollbackAt;

    public static FailedChecks Flagger(int threshold = 5) => new(threshold);

    public static FailedChecks Argo(int failureLimit = 3) => new(failureLimit + 1);

    /// <summary>Takes a check and says whether the candidate is taken back.</summary>
    public bool Check(bool passed)
    {
        _failed += passed ? 0 : 1;
        return _failed >= _rollbackAt;
    }
}

namespace EdgeFleet.Controller.Store;

/// <summary>This process has been replaced: another controller opened the database after it. It must not decide anything more.</summary>
internal sealed class StaleEpochException(string what, long mine, long current)
    : InvalidOperationException($"{what}: epoch {mine} is stale, the database is at epoch {current}; another controller has taken over")
{
    public long Mine { get; } = mine;
    public long Current { get; } = current;
}

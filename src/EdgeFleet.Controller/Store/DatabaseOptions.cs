namespace EdgeFleet.Controller.Store;

internal sealed record DatabaseOptions
{
    public required string File { get; init; }
    public string Tenant { get; init; } = "default";
    /// <summary>Writes that may wait; callers beyond it wait for room.</summary>
    public int QueueLength { get; init; } = 4096;
    /// <summary>Pieces of work that share one transaction and one flush.</summary>
    public int MaximumBatch { get; init; } = 512;
    public int Readers { get; init; } = 4;
    /// <summary>False only where a test commits thousands of times and asks what the rules do, not what the disk keeps.</summary>
    public bool Flushes { get; init; } = true;
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public IWriteObserver? Observer { get; init; }
}

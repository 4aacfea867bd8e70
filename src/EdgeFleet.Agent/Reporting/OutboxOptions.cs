namespace EdgeFleet.Agent.Reporting;

/// <summary>How much the outbox keeps.</summary>
public sealed record OutboxOptions
{
    /// <summary>Evidence is dropped, the oldest first, when the reports kept take more than this.</summary>
    public long CapacityBytes { get; init; } = 16 << 20;

    /// <summary>A segment is closed when it has grown to this.</summary>
    public int SegmentBytes { get; init; } = 256 << 10;
}

namespace EdgeFleet.Linux.PerfEvents;

/// <summary>What one event was counted in one window, or why it was not.</summary>
public sealed record PerfCount
{
    /// <summary>Below this share of its time an event shared its counter with others, and its count is an estimate.</summary>
    private const double WholeTime = 0.95;

    public required PerfEvent Event { get; init; }
    /// <summary>As counted; null where absent.</summary>
    public long? Count { get; init; }
    /// <summary>The share of the time in which the event stood on a counter, 0 to 1.</summary>
    public double? RunningShare { get; init; }
    /// <summary>The count over <see cref="RunningShare"/>: what it would have been over the whole time, were the program even.</summary>
    public double? Scaled => Count / RunningShare;
    public bool IsMultiplexed => RunningShare < WholeTime;
    /// <summary>Why it is absent.</summary>
    public string? Reason { get; init; }
}

using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Linux.Memory;

/// <summary>
/// What one process has in memory at one moment, in bytes; each figure is absent by itself, with the reason. Weights that
/// were mapped from a file are in <see cref="File"/> and go back under pressure: <see cref="Anonymous"/> is the cost.
/// </summary>
public sealed record ProcessMemory
{
    /// <summary>VmHWM: the most that was resident since the process began or its mark was reset.</summary>
    public required Reading Peak { get; init; }
    /// <summary>VmRSS.</summary>
    public required Reading Resident { get; init; }
    /// <summary>RssAnon.</summary>
    public required Reading Anonymous { get; init; }
    /// <summary>RssFile.</summary>
    public required Reading File { get; init; }
    /// <summary>RssShmem.</summary>
    public required Reading Shared { get; init; }
    /// <summary>VmSwap.</summary>
    public required Reading Swapped { get; init; }
}

/// <summary>Page faults of a process since it began.</summary>
/// <param name="Minor">Served from memory.</param>
/// <param name="Major">Served from a disk: in a timed window they are somebody else's latency.</param>
public readonly record struct PageFaults(long Minor, long Major)
{
    public static PageFaults operator -(PageFaults later, PageFaults earlier) => new(later.Minor - earlier.Minor, later.Major - earlier.Major);
}

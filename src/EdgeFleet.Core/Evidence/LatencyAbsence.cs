namespace EdgeFleet.Core.Evidence;

/// <summary>Why a shadow compared answers and not durations.</summary>
public static class LatencyAbsence
{
    /// <summary>The device has no room for both models beside the one that serves, so they run one after the other.</summary>
    public const string Memory = "memory";
}

using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Where a device of the cohort stands in the stage.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeviceStanding>))]
public enum DeviceStanding
{
    /// <summary>On its way; neither done nor late.</summary>
    Working,

    /// <summary>Did what the stage asks: benchmarked, shadowing or committed.</summary>
    Reached,

    /// <summary>Does not take the candidate (slower, bigger there). Listed, never counted as a failure.</summary>
    Refused,

    /// <summary>Said that it failed.</summary>
    Failed,

    /// <summary>Silent, too late, or no longer comparable: counts as the worst value.</summary>
    Missing,

    /// <summary>Taken back from this device alone on its own evidence.</summary>
    Harmed,

    /// <summary>No longer part of the fleet (revoked). Listed, never counted.</summary>
    Excluded,
}

/// <summary>Which standings count.</summary>
internal static class DeviceStandings
{
    /// <summary>Whether the device was decided on its own and neither speaks for the class nor is missed by it.</summary>
    public static bool IsAside(this DeviceStanding standing) =>
        standing is DeviceStanding.Refused or DeviceStanding.Harmed or DeviceStanding.Excluded;
}

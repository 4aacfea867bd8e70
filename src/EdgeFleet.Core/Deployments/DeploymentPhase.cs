using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Deployments;

/// <summary>Where one artifact is on one device. Everything from <see cref="Committed"/> on is an end state.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeploymentPhase>))]
public enum DeploymentPhase
{
    Offered,
    Accepted,
    Fetched,
    Verified,
    Staged,
    Benchmarked,
    Shadowing,
    Activating,
    Probation,
    RollingBack,
    Committed,
    /// <summary>It did not fit this device (too slow, too big, wrong hardware); nothing is wrong with either.</summary>
    Refused,
    FailedUnchanged,
    FailedRolledBack,
    FailedCouldNotRollBack,
    Superseded,
}

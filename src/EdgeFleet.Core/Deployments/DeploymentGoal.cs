using System.Text.Json.Serialization;

namespace EdgeFleet.Core.Deployments;

/// <summary>How far a deployment may go. It parks there until the controller moves the goal.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeploymentGoal>))]
public enum DeploymentGoal
{
    Staged,
    Benchmarked,
    Shadowing,
    Active,
}

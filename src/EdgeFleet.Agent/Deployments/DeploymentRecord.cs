using System.Text.Json.Serialization;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Agent.Deployments;

/// <summary>
/// Where a model's newest deployment stands: <c>deployments/&lt;model&gt;.json</c>. Saved before each act, so that the next start
/// goes on from it whatever happened.
/// </summary>
public sealed record DeploymentRecord
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string Model { get; init; }
    public required Digest Digest { get; init; }
    public required DeploymentPhase Phase { get; init; }
    public required DesiredReason Reason { get; init; }
    public string RolloutId { get; init; } = "";
    public int Attempt { get; init; } = 1;
    /// <summary>The desired generation that began it.</summary>
    public long Generation { get; init; }
    /// <summary>How it is measured, shadowed and watched; taken over from the desired state at the beginning.</summary>
    public TrialPlan Plan { get; init; } = new();

    /// <summary>What to go back to: the slots as they were. Written at the beginning and never changed after.</summary>
    public Digest? Before { get; init; }
    public Digest? PreviousBefore { get; init; }
    public Digest? GoldenBefore { get; init; }

    /// <summary>It is taken back because it is not wanted any more, not because it failed.</summary>
    public bool Withdrawn { get; init; }
    public string Code { get; init; } = "";
    public string Detail { get; init; } = "";
    public bool Invariant { get; init; }
    /// <summary>The failure is the digest's own: this device refuses it until the attempt goes up.</summary>
    public bool AgainstDigest { get; init; }

    public int Retries { get; init; }
    /// <summary>Starts of the agent that found an activation or a probation in progress, and that what is tried can have caused.</summary>
    public int Restarts { get; init; }
    /// <summary>The run of the agent that acts, or acted last, was told to end or saw the candidate answer for a minute: its end is not counted.</summary>
    public bool Blameless { get; init; }
    /// <summary>The number of the next shadow tick.</summary>
    public long NextTick { get; init; }
    public double ProbationSeconds { get; init; }
    public int RunnerRestarts { get; init; }
    public ProbationEvidence? Probation { get; init; }
    public DateTimeOffset StartedAt { get; init; }
    public DateTimeOffset ChangedAt { get; init; }
    /// <summary>The report topic of the deployment before, to be cleared at the broker.</summary>
    public string Archived { get; init; } = "";

    [JsonIgnore]
    public bool Ended => DeploymentMachine.IsEnd(Phase);

    /// <summary>The last name of its report's topic.</summary>
    [JsonIgnore]
    public string Id => Identify(Model, RolloutId.Length > 0 ? RolloutId : $"g{Generation}");

    /// <summary>Whether the desired state still means this deployment.</summary>
    public bool IsFor(DesiredDeployment desired) =>
        desired.Digest == Digest && desired.RolloutId == RolloutId && desired.Attempt == Attempt && desired.Reason == Reason;

    private static string Identify(string model, string rest)
    {
        const int longest = 63;
        string id = $"{model}-{rest}";
        // A name of a topic has at most 63 characters; the end of a hash keeps long ones apart.
        return id.Length <= longest ? id : $"{id[..(longest - 13)]}-{Core.Digest.Of(System.Text.Encoding.UTF8.GetBytes(id)).Short}";
    }
}

/// <summary>What this device remembers of digests beyond their deployment: <c>deployments/memory/&lt;model&gt;.json</c>.</summary>
public sealed record DigestMemory
{
    public const int CurrentSchemaVersion = 1;
    /// <summary>The oldest are forgotten beyond this; the first committed one (golden) never.</summary>
    public const int MaximumEntries = 64;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    /// <summary>Digests that failed here, with the attempt that failed.</summary>
    public IReadOnlyDictionary<Digest, FailedDigest> Failed { get; init; } = new Dictionary<Digest, FailedDigest>();
    /// <summary>Digests that passed their probation here, the first one first.</summary>
    public IReadOnlyList<Digest> Committed { get; init; } = [];
}

/// <param name="Code">Why, as a stable word.</param>
public sealed record FailedDigest(int Attempt, string Code);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, UseStringEnumConverter = true)]
[JsonSerializable(typeof(DeploymentRecord))]
[JsonSerializable(typeof(DigestMemory))]
internal sealed partial class DeploymentJsonContext : JsonSerializerContext;

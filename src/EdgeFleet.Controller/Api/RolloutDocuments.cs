using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Controller.Api;

// Rollouts and rollbacks as the operator plane shows them.

internal sealed record RolloutCreatedDocument(string Id, string Name, string Model, string State, int Attempt);

internal sealed record RolloutSummaryDocument(
    string Id, string Name, string Model, string Candidate, int Attempt, string State, string Stage, string Reason, bool Paused,
    string CreatedBy, DateTimeOffset CreatedAt, DateTimeOffset? EndedAt);

internal sealed record RolloutDocument
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Model { get; init; }
    public required string Candidate { get; init; }
    public required int Attempt { get; init; }
    public required string State { get; init; }
    /// <summary>Of the class that is least far.</summary>
    public required string Stage { get; init; }
    public required string Reason { get; init; }
    public required bool Paused { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public required JsonElement Spec { get; init; }
    public required JsonElement Policy { get; init; }
    public required string MarginsHash { get; init; }
    public required IReadOnlyList<RolloutClassDocument> Classes { get; init; }
    /// <summary>Of all classes together.</summary>
    public required int DeviceCount { get; init; }
    /// <summary>The first of them; the rest page by page from <c>/rollouts/{id}/devices</c>.</summary>
    public required IReadOnlyList<RolloutDeviceDocument> Devices { get; init; }
    public required IReadOnlyList<NotDrawnDocument> NotDrawn { get; init; }
    /// <summary>The newest verdict of each class while the rollout runs.</summary>
    public required JsonElement Current { get; init; }
    /// <summary>Other rollouts of the same name, the newest first.</summary>
    public required IReadOnlyList<string> Namesakes { get; init; }
    /// <summary>The last event's number: where a watcher goes on.</summary>
    public required long LastEvent { get; init; }
}

/// <param name="Phases">How many devices of the class are in each phase.</param>
/// <param name="Plan">What the stages ask of a class of this size.</param>
internal sealed record RolloutClassDocument(
    string HardwareClass, string State, string Stage, int StageIndex, DateTimeOffset StageStartedAt, bool Paused, int Devices, int Admitted, string Reason,
    IReadOnlyDictionary<string, int> Phases, ClassPlanDocument Plan,
    IReadOnlyList<ThresholdDocument> Thresholds);

/// <summary>Where a metric's observed value begins to count as harm.</summary>
/// <param name="Effective">Margin and noise together, in the unit; absent before the noise is known.</param>
/// <param name="Noise">What the baseline's disagreement with itself is allowed.</param>
internal sealed record ThresholdDocument(string Metric, double? Effective, double Margin, double? Noise, string Unit)
{
    public static ThresholdDocument Of(MetricThreshold threshold) =>
        new(RolloutView.Word(threshold.Metric), threshold.Effective, threshold.Margin, threshold.Noise, threshold.Unit);
}

/// <summary>What a rollout would do if it began now.</summary>
internal sealed record RolloutPlanDocument(
    string Name, string Model, string Candidate, string Strategy, string Selector, IReadOnlyList<ClassPlanDocument> Classes, IReadOnlyList<NotDrawnDocument> NotDrawn);

/// <param name="Kind">statistical, census or invariant: how the class is judged.</param>
/// <param name="LeastObservations">Fewest observations that can promote; absent when none can, or none are needed.</param>
/// <param name="LeastShadowSeconds">What a perfect candidate spends in the shadow.</param>
/// <param name="LeastSeconds">All stages together, at least.</param>
/// <param name="Notes">What the numbers rest on, measured or assumed.</param>
/// <param name="Complaint">Why the class could never be promoted; absent when it can.</param>
/// <param name="DeviceIds">The devices that would be drawn; absent once the rollout has drawn them.</param>
/// <param name="OffLineIds">Those of them that are not on line now: stages take them last.</param>
internal sealed record ClassPlanDocument(
    string HardwareClass, int Devices, string Kind, IReadOnlyList<StagePlanDocument> Stages, int? LeastObservations, double? LeastShadowSeconds,
    double LeastSeconds, IReadOnlyList<MetricPlanDocument> Metrics, string Sentence, IReadOnlyList<string> Notes, string? Complaint,
    IReadOnlyList<string>? DeviceIds = null,
    IReadOnlyList<string>? OffLineIds = null);

/// <param name="Approval">Whether people are asked before it begins.</param>
/// <param name="ApprovalAsked">What is asked of them.</param>
/// <param name="LeastSeconds">From its beginning to its end at least; downloads, and people who are asked, come on top.</param>
/// <param name="Because">What that time is made of.</param>
/// <param name="DeviceIds">The exact devices in the order in which they are taken, while nothing goes wrong; absent for everyone and for a stage that is over.</param>
internal sealed record StagePlanDocument(
    string Stage, int Devices, bool Approval, double SoakSeconds, string? ApprovalAsked, double LeastSeconds, string Because, IReadOnlyList<string>? DeviceIds);

/// <summary>How much evidence a metric's margin needs: devices, or windows and ticks on each device of a census. Absent where no number is enough.</summary>
/// <param name="Perfect">For a candidate that is as good as can be told.</param>
/// <param name="AsBaseline">For one that does exactly as the baseline.</param>
/// <param name="HalfMargin">For one that uses half of its margin.</param>
/// <param name="Size">What one observation is made of: so many pairs, labelled rows or ticks of one device.</param>
internal sealed record MetricPlanDocument(string Metric, double Margin, string MarginUnit, string Observation, int? Perfect, int? AsBaseline, int? HalfMargin, long Size, string SizeUnit);

internal sealed record RolloutDeviceDocument
{
    public required string Id { get; init; }
    public required string HardwareClass { get; init; }
    public required string Stage { get; init; }
    /// <summary>
    /// The last phase of the candidate that the device reported; <c>notAdmitted</c> before its stage, <c>rolledBack</c> where it
    /// had committed and was taken back.
    /// </summary>
    public required string Phase { get; init; }
    public string? Code { get; init; }
    public string? Detail { get; init; }
    /// <summary>How it left the rollout: refused, failed, harmed, excluded.</summary>
    public string? Exit { get; init; }
    public string? Before { get; init; }
    public string? Active { get; init; }
    public required bool Online { get; init; }
    /// <summary>BenchEvidence as the device reported it.</summary>
    public JsonElement? Bench { get; init; }
    /// <summary>ProbationEvidence as the device reported it.</summary>
    public JsonElement? Probation { get; init; }
    /// <summary>Sums over its shadow ticks.</summary>
    public ShadowSumDocument? Shadow { get; init; }
}

internal sealed record ShadowSumDocument(int Ticks, long Pairs, long Disagreements, long NoisePairs, long NoiseDisagreements, double? MedianLatencyRatio, double? BaselineP50Micros, double? CandidateP50Micros);

internal sealed record NotDrawnDocument(string Id, string Reason);

internal sealed record RolloutActDocument(string Id, string State, string Message);

/// <param name="Plan">What each class needed at least, computed as before the start: the measure of what the verdicts show.</param>
internal sealed record ExplanationDocument(string Id, bool AllEqual, IReadOnlyList<ClassPlanDocument> Plan, IReadOnlyList<ExplainedVerdictDocument> Verdicts, string ControllerVersion);

internal sealed record RolloutEventsDocument(IReadOnlyList<RolloutEventDocument> Items, long Last, bool Ended);

internal sealed record RolloutEventDocument(long Seq, DateTimeOffset At, string HardwareClass, string Kind, string Message);

/// <param name="RecomputedEqual">Absent where this build cannot compute the verdict; <c>notRecomputed</c> says why.</param>
internal sealed record ExplainedVerdictDocument(long Seq, bool? RecomputedEqual, bool? ReplayedEqual, JsonElement Verdict, JsonElement? Recomputed, JsonElement? Input,
    IReadOnlyList<ThresholdDocument> Thresholds)
{
    public string? NotRecomputed { get; init; }

    /// <summary>Where the stored verdict says other than what its inputs come to; absent when it does not.</summary>
    public IReadOnlyList<string>? Differences { get; init; }
}

internal sealed record PolicyDocument(string Name, JsonElement Spec, string? UpdatedBy, DateTimeOffset? UpdatedAt);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record RollbackRequest(string Model, string? From, string? To, string? Selector, string? Reason);

internal sealed record RollbackDocument(
    string Id, string Model, string From, string? To, string Selector, string Reason, string CreatedBy, DateTimeOffset CreatedAt,
    bool Done, double ElapsedMs, double? SlowestMs, IReadOnlyList<RollbackDeviceDocument> Devices)
{
    /// <summary>Devices that serve the digest and hold nothing to go back to; only in the answer to the order.</summary>
    public IReadOnlyList<UntouchedDevice>? Untouched { get; init; }

    /// <summary>Devices that serve nothing yet and are no longer told to fetch the digest; only in the answer to the order.</summary>
    public IReadOnlyList<string>? Withdrawn { get; init; }

    /// <summary>Digests that devices say they serve and that were neither published nor ordered here; only in the answer to the order.</summary>
    public IReadOnlyList<UnknownDigest>? Unknown { get; init; }

    /// <summary>The rollout that was stopped; only in the answer to the order.</summary>
    public string? Stopped { get; init; }

    /// <summary>True where the digest that is put back had been taken back before; only in the answer to the order.</summary>
    public bool? Lifted { get; init; }

    /// <summary>Whether newcomers are kept from the digest; only in the answer to the order.</summary>
    public bool? Barred { get; init; }

    /// <summary>What newcomers get now; only in the answer to the order.</summary>
    public IReadOnlyList<NewcomersDocument>? Newcomers { get; init; }
}

/// <param name="Selector">Which newcomers; empty for all.</param>
internal sealed record NewcomersDocument(string Selector, string Digest);

/// <param name="State">pending (on line, and has not said yet that it serves the older digest), done, offline or failed.</param>
/// <param name="ServingSince">By the device's clock.</param>
/// <param name="ElapsedMs">From the order to the stored report that the device serves the older digest, by the controller's clock.</param>
internal sealed record RollbackDeviceDocument(
    string Id, string State, string To, string? Active, long Generation, DateTimeOffset? ServingSince, double? ElapsedMs, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(RolloutCreatedDocument))]
[JsonSerializable(typeof(IReadOnlyList<RolloutSummaryDocument>))]
[JsonSerializable(typeof(RolloutDocument))]
[JsonSerializable(typeof(IReadOnlyList<RolloutDeviceDocument>))]
[JsonSerializable(typeof(RolloutPlanDocument))]
[JsonSerializable(typeof(RolloutActDocument))]
[JsonSerializable(typeof(ExplanationDocument))]
[JsonSerializable(typeof(RolloutEventsDocument))]
[JsonSerializable(typeof(IReadOnlyList<PolicyDocument>))]
[JsonSerializable(typeof(PolicyDocument))]
[JsonSerializable(typeof(RollbackRequest))]
[JsonSerializable(typeof(RollbackDocument))]
internal sealed partial class RolloutApiJsonContext : JsonSerializerContext;

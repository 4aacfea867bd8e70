using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Stages;

[JsonConverter(typeof(JsonStringEnumConverter<OperatorAct>))]
public enum OperatorAct
{
    /// <summary>Let classes that wait for a person go on to the next stage.</summary>
    [JsonStringEnumMemberName("approve")] Approve,

    /// <summary>Begin nothing new; what runs goes on, and harm is still taken back.</summary>
    [JsonStringEnumMemberName("pause")] Pause,

    /// <summary>End a pause, and give inconclusive stages their time again.</summary>
    [JsonStringEnumMemberName("resume")] Resume,

    /// <summary>Take the candidate back everywhere; where it is being taken back already, wait no longer for devices that do not follow.</summary>
    [JsonStringEnumMemberName("abort")] Abort,
}

/// <summary>What a person asks of a rollout.</summary>
public sealed record OperatorCommand
{
    public required OperatorAct Act { get; init; }

    /// <summary>Only this class; null for the whole rollout.</summary>
    public string? HardwareClass { get; init; }

    public string Reason { get; init; } = "";
    public string By { get; init; } = "";

    /// <summary>The roles that this person holds, by name.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    public required DateTimeOffset At { get; init; }
}

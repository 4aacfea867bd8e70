using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Where a rollout as a whole is. From <see cref="Completed"/> on it is over.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RolloutPhase>))]
public enum RolloutPhase
{
    /// <summary>No device was drawn yet.</summary>
    [JsonStringEnumMemberName("pending")] Pending,
    [JsonStringEnumMemberName("running")] Running,

    /// <summary>No class goes forward any more and at least one is being taken back.</summary>
    [JsonStringEnumMemberName("rollingBack")] RollingBack,

    /// <summary>Every class that did not refuse has it.</summary>
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>Some classes have it, others were taken back.</summary>
    [JsonStringEnumMemberName("partlyCompleted")] PartlyCompleted,

    /// <summary>No device took it: it did not fit any. Nothing changed.</summary>
    [JsonStringEnumMemberName("refused")] Refused,
    [JsonStringEnumMemberName("rolledBack")] RolledBack,
    [JsonStringEnumMemberName("aborted")] Aborted,
}

/// <summary>Where one hardware class is. From <see cref="Completed"/> on it is over.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ClassPhase>))]
public enum ClassPhase
{
    [JsonStringEnumMemberName("running")] Running,

    /// <summary>The next stage waits for a person's approval.</summary>
    [JsonStringEnumMemberName("awaitingApproval")] AwaitingApproval,

    /// <summary>The stage's time is over without a decision; a person resumes, approves or aborts.</summary>
    [JsonStringEnumMemberName("inconclusive")] Inconclusive,

    /// <summary>Devices are on their way back to the digest of before.</summary>
    [JsonStringEnumMemberName("rollingBack")] RollingBack,
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>Every device of the class refused: it does not fit this hardware.</summary>
    [JsonStringEnumMemberName("refused")] Refused,
    [JsonStringEnumMemberName("rolledBack")] RolledBack,

    /// <summary>Taken back as far as it can be: devices without a model of before keep the candidate.</summary>
    [JsonStringEnumMemberName("partlyCompleted")] PartlyCompleted,
}

/// <summary>What happened to a class.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StageOutcome>))]
public enum StageOutcome
{
    /// <summary>The gate promotes and the next stage may begin.</summary>
    Promote,

    /// <summary>The gate promotes and the next stage asks for a person.</summary>
    PromoteToApproval,

    /// <summary>The gate promotes the last stage.</summary>
    PromoteLast,

    /// <summary>A person approved.</summary>
    Approve,

    /// <summary>A person approved the last stage although the gate did not decide.</summary>
    ApproveLast,

    /// <summary>A person asked for another spell of the stage's time.</summary>
    Resume,

    /// <summary>The stage's time is over.</summary>
    TimeOver,

    /// <summary>Every device refused.</summary>
    AllRefused,

    /// <summary>The gate takes the class back, or another class took the rollout with it.</summary>
    Harm,

    /// <summary>A person aborted.</summary>
    Abort,

    /// <summary>Every device that can be reached is back.</summary>
    AllBack,

    /// <summary>As <see cref="AllBack"/>, and some devices keep the candidate because they had nothing before it.</summary>
    SomeKeep,
}

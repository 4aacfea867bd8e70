using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>What needs no statistics: one event takes the device back.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<InvariantKind>))]
public enum InvariantKind
{
    [JsonStringEnumMemberName("non-finite")] NonFinite,
    [JsonStringEnumMemberName("wrong-shape")] WrongShape,
    [JsonStringEnumMemberName("inference-failed")] InferenceFailed,
    [JsonStringEnumMemberName("model-crashed")] ModelCrashed,
    [JsonStringEnumMemberName("crash-loop")] CrashLoop,
    [JsonStringEnumMemberName("out-of-memory")] OutOfMemory,
    [JsonStringEnumMemberName("over-memory-budget")] OverMemoryBudget,

    /// <summary>The device took the candidate back itself and named another reason.</summary>
    [JsonStringEnumMemberName("rolled-back-locally")] RolledBackLocally,

    /// <summary>The device says that an invariant broke, under a name that this build does not know.</summary>
    [JsonStringEnumMemberName("other")] Other,

    /// <summary>The runtime of this hardware class does not take the model: no device of the class can ever serve it.</summary>
    [JsonStringEnumMemberName("does-not-load")] DoesNotLoad,

    /// <summary>The model is not what its manifest says.</summary>
    [JsonStringEnumMemberName("bad-model")] BadModel,

    /// <summary>Inputs or outputs differ from those of the manifest or of the baseline.</summary>
    [JsonStringEnumMemberName("other-contract")] OtherContract,
}

/// <summary>A broken invariant on one device.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Count">How often.</param>
/// <param name="Detail">What the device said, or the numbers.</param>
public sealed record InvariantFinding(InvariantKind Kind, long Count, string Detail);

/// <summary>The stable words of invariants in reports.</summary>
public static class InvariantKinds
{
    private static readonly Dictionary<string, InvariantKind> s_byCode = new(StringComparer.Ordinal)
    {
        ["non-finite"] = InvariantKind.NonFinite,
        ["wrong-shape"] = InvariantKind.WrongShape,
        ["inference-failed"] = InvariantKind.InferenceFailed,
        ["model-crashed"] = InvariantKind.ModelCrashed,
        ["crash-loop"] = InvariantKind.CrashLoop,
        ["out-of-memory"] = InvariantKind.OutOfMemory,
        ["over-memory-budget"] = InvariantKind.OverMemoryBudget,
        ["rolled-back-locally"] = InvariantKind.RolledBackLocally,
        ["does-not-load"] = InvariantKind.DoesNotLoad,
        ["bad-model"] = InvariantKind.BadModel,
        ["other-contract"] = InvariantKind.OtherContract,
    };

    /// <summary>The kind that a report's code names, or null for a code of another sort.</summary>
    public static InvariantKind? FromCode(string? code) =>
        code is not null && s_byCode.TryGetValue(code, out InvariantKind kind) ? kind : null;

    // Words with which a device says that something around it failed, whatever phase that ended.
    private static readonly HashSet<string> s_ofTheWorld =
        ["runner-away", "worker-failed", "disk-full", "download-broken", "not-available", "deadline-passed", "rolled-back-here", "hook-not-started"];

    /// <summary>Whether a code blames the device's surroundings and not the candidate.</summary>
    public static bool IsOfTheWorld(string? code) => code is not null && s_ofTheWorld.Contains(code);
}

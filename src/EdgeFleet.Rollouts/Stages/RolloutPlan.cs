using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>One stage of one class, before it begins.</summary>
/// <param name="Stage">Which.</param>
/// <param name="Devices">How many of the class.</param>
/// <param name="Approval">What is asked of people before it begins; null for nothing.</param>
/// <param name="Soak">Least time between its beginning and its end.</param>
public sealed record StagePlan(StageKind Stage, int Devices, string? Approval, TimeSpan Soak);

/// <summary>What a rollout will ask of one hardware class, told before it starts.</summary>
public sealed record ClassPlan
{
    public required string HardwareClass { get; init; }
    public required int Devices { get; init; }
    public required VerdictKind Kind { get; init; }
    public required IReadOnlyList<StagePlan> Stages { get; init; }

    /// <summary>Fewest observations (devices of a large class, windows of pairs on each device of a census) that can promote; null when none can.</summary>
    public int? LeastObservations { get; init; }

    /// <summary>Least time that a perfect candidate spends in the shadow at the policy's rate of pairs; null without a shadow.</summary>
    public TimeSpan? LeastShadow { get; init; }

    /// <summary>The plan in one sentence.</summary>
    public required string Sentence { get; init; }

    /// <summary>Why the class could never be promoted; null when it can.</summary>
    public string? Complaint { get; init; }
}

/// <summary>Says how many devices and how much time a rollout needs at least, from the gate's own functions.</summary>
public static class RolloutPlan
{
    /// <summary>The plan for classes that were drawn.</summary>
    public static IReadOnlyList<ClassPlan> Of(RolloutSpec rollout, PolicySpec policy, IEnumerable<ClassProgress> classes) =>
        [.. classes.OrderBy(c => c.HardwareClass, StringComparer.Ordinal).Select(c => Of(rollout, policy, c.HardwareClass, c.Devices))];

    private static ClassPlan Of(RolloutSpec rollout, PolicySpec policy, string hardwareClass, IReadOnlyList<DeviceProgress> drawn)
    {
        int devices = drawn.Count;
        bool census = devices < GateRules.Current.CensusBelowDevices;
        List<StagePlan> stages = [.. rollout.Stages.Select((s, i) => new StagePlan(s.Kind, CohortSizes.Of(s, i, drawn), s.Approval ? s.ApprovalAsked : null, policy.SoakOf(s.Kind)))];
        ClassPlan plan = new() { HardwareClass = hardwareClass, Devices = devices, Kind = VerdictKind.Invariant, Stages = stages, Sentence = "" };
        int empty = stages.FindIndex(s => s.Devices == 0);
        string? nobody = empty < 0 ? null
            : $"no device of class {hardwareClass} matches '{rollout.Stages[empty].Selector}' of the {StageRules.Names[(int)stages[empty].Stage]} stage: the class waits for a person there";
        if (rollout.Strategy == RolloutStrategy.Install)
        {
            return plan with { Sentence = $"{devices} device(s), gated on invariants only", Complaint = nobody };
        }
        int pairsPerWindow = (int)Math.Ceiling(100 / policy.Margins.DisagreementPoints);
        int? least = DeviceFloor.Minimum(GateRules.Current.DisagreementPromotionNull, policy.AlphaPromotion, census ? null : devices);
        double pairs = (double)policy.Evidence.CalibrationTicks * policy.Evidence.TickMilliseconds / 1000 * policy.Evidence.MaximumPairsPerSecond;
        pairs += census ? (double)(least ?? 0) * pairsPerWindow : policy.Evidence.PairsPerDevice;
        TimeSpan shadow = TimeSpan.FromSeconds(Math.Max(pairs / policy.Evidence.MaximumPairsPerSecond, policy.Soak.ShadowSeconds));
        int cohort = stages.Find(s => s.Stage == StageKind.Shadow)?.Devices ?? 0;
        string evidence = census
            ? $"census: each device needs at least {least} windows of {pairsPerWindow} pairs"
            : $"statistical: at least {least} devices of {devices} must speak with {policy.Evidence.PairsPerDevice} pairs each";
        return plan with
        {
            Kind = census ? VerdictKind.Census : VerdictKind.Statistical,
            LeastObservations = least,
            LeastShadow = shadow,
            Sentence = FormattableString.Invariant($"{devices} device(s), {evidence}; a perfect candidate is {shadow.TotalMinutes:0.#} min in the shadow or longer"),
            Complaint = !census && (least is null || cohort < least)
                ? $"the shadow stage takes {cohort} device(s) of class {hardwareClass}, but even perfect ones promote from {least?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "no number"} on; raise shadow.devices"
                : nobody,
        };
    }
}

namespace EdgeFleet.Rollouts.Specs;

/// <summary>Which stages may follow each other, so that no device serves a candidate for which the gate has no evidence.</summary>
internal static class StageRules
{
    /// <summary>What a stage is called in a file, by the number of its kind.</summary>
    public static readonly string[] Names = ["bench", "shadow", "canary", "ramp", "full"];

    // So many devices that shares which differ at all take different numbers of them.
    private const int Many = 1_000_000;

    /// <summary>The first thing wrong with the list, or null.</summary>
    public static string? Complaint(IReadOnlyList<StageSpec> stages, RolloutSpec rollout)
    {
        if (stages.Count == 0)
        {
            return "is empty; expected at least one stage, the last one full";
        }
        for (int i = 1; i < stages.Count; i++)
        {
            if (stages[i].Kind < stages[i - 1].Kind || (stages[i].Kind == stages[i - 1].Kind && stages[i].Kind != StageKind.Ramp))
            {
                return $"'{Name(stages[i])}' cannot follow '{Name(stages[i - 1])}'; expected the order bench, shadow, canary, ramp (any number), full";
            }
            if (stages[i].Kind == StageKind.Ramp && stages[i - 1].Kind == StageKind.Ramp
                && stages[i].Selector == stages[i - 1].Selector && stages[i].CohortSize(Many) <= stages[i - 1].CohortSize(Many))
            {
                return FormattableString.Invariant($"ramp to {stages[i].Percent ?? 100} % follows {stages[i - 1].Percent ?? 100} %; expected growing shares");
            }
        }
        if (stages[^1].Kind != StageKind.Full)
        {
            return $"ends with '{Name(stages[^1])}'; expected full as the last stage";
        }
        if (rollout.Strategy == RolloutStrategy.Install && stages.Any(stage => stage.Requests is not null))
        {
            return "'canary' asks for a share of requests, and with strategy install no baseline answers the others";
        }
        if (rollout.Strategy == RolloutStrategy.Install)
        {
            return stages.FirstOrDefault(stage => stage.Kind < StageKind.Canary) is { } trial
                ? $"'{Name(trial)}' compares with a baseline, which a rollout with strategy install does not have; expected canary, ramp and full only"
                : null;
        }
        if (stages.All(stage => stage.Kind != StageKind.Shadow))
        {
            return "has no shadow stage; without it the gate of a staged rollout has no evidence";
        }
        StageSpec firstServing = stages.First(stage => stage.Kind >= StageKind.Canary);
        return rollout.Compare == CompareMode.Improvement && !firstServing.Approval
            ? $"'{Name(firstServing)}' needs approval: true; with compare: improvement agreement only informs, so a person decides before the candidate serves"
            : null;
    }

    private static string Name(StageSpec stage) => Names[(int)stage.Kind];
}

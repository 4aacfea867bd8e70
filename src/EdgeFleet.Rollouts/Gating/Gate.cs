using System.Text.Json;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The rule between stages, for one hardware class: promote, hold or roll back. Pure: the verdict is a function of the
/// input alone, computed in one order, so a stored input gives the same bits again.
/// </summary>
public static class Gate
{
    /// <summary>Judges a class at its present stage.</summary>
    /// <exception cref="ArgumentException">The margins are not the ones that were frozen.</exception>
    public static GateVerdict Evaluate(GateInput input)
    {
        if (input.Margins.Hash() != input.MarginsHash)
        {
            throw new ArgumentException($"the margins hash to {input.Margins.Hash()}, but {input.MarginsHash} was frozen when rollout '{input.RolloutId}' began", nameof(input));
        }
        GateScales? scales = input.Calibration is { } calibration ? new GateScales(input.Margins, calibration, input.Rules) : null;
        // A device that was taken back alone has been answered for; what is asked is whether those still exposed are harmed.
        HarmEvidence? harm = scales is null ? null : HarmEvidence.OfClass(input.Ticks, [.. input.Devices.Where(d => !d.Standing.IsAside())], scales);
        List<MissingEvidence> missing = [];
        bool census = input.ClassSize < input.Rules.CensusBelowDevices;
        PromotionEvidence? promotion = scales is not null && !census ? PromotionEvidence.OfClass(input, scales, missing) : null;

        List<DeviceFigures> figures = [.. input.Devices.Select(d => d.Evidence?.Figures ?? default)];
        List<DeviceVerdict> devices = [.. input.Devices.Select((d, i) => DeviceJudge.Judge(d, figures[i], scales, census))];
        IReadOnlyList<MetricVerdict> metrics =
            input.Margins.Strategy == RolloutStrategy.Install ? []
            : scales is null ? MetricVerdicts.Absent(input.Margins)
            : MetricVerdicts.Of(scales, harm!, promotion, DeviceFigures.Of(figures, input.Ticks?.Latency ?? default));

        IReadOnlyList<SliceVerdict> slices = scales is null ? [] : SliceVerdict.Of(input, scales);

        int cohort = input.Devices.Count(d => d.InCohort);
        double harmLogE = harm?.LogE ?? 0;
        double harmThreshold = PortableMath.Log(1 / input.Margins.AlphaRollback);
        bool amber = harmLogE >= PortableMath.Log(input.Rules.AmberShare / input.Margins.AlphaRollback);

        List<DeviceVerdict> broken = [.. devices.Where(d => d.Invariants.Count > 0)];
        bool invariants = TooManyBroken(input);
        bool harmed = harmLogE >= harmThreshold;
        if (!invariants && !harmed)
        {
            // The shadow is where the metrics must speak; later stages rest on what it said and watch for harm.
            if (input.Stage != StageKind.Shadow)
            {
                missing.Clear();
            }
            PromotionRules.Collect(input, devices, metrics, slices, scales, amber, missing);
            ShareRules.Collect(input, missing);
        }

        GateDecision decision = invariants || harmed ? GateDecision.Rollback : missing.Count == 0 ? GateDecision.Promote : GateDecision.Hold;
        VerdictKind kind = invariants || input.Margins.Strategy == RolloutStrategy.Install || input.Stage == StageKind.Bench
            ? VerdictKind.Invariant
            : census ? VerdictKind.Census : VerdictKind.Statistical;
        return new GateVerdict
        {
            Decision = decision,
            Kind = kind,
            HardwareClass = input.HardwareClass,
            Stage = input.Stage,
            StageIndex = input.StageIndex,
            ClassSize = input.ClassSize,
            CohortSize = cohort,
            MarginsHash = input.MarginsHash,
            Metrics = metrics,
            Devices = devices,
            HarmLogE = harmLogE,
            HarmLogThreshold = harmThreshold,
            PromotionLogThreshold = PortableMath.Log(1 / input.Margins.AlphaPromotion),
            Amber = amber,
            Slices = slices,
            Drift = DriftVerdict.Of(input.Ticks),
            Warnings = Warnings(input, metrics),
            Missing = decision == GateDecision.Rollback ? [] : missing,
            Reason = VerdictSentence.Write(decision, kind, cohort, broken, devices, metrics, harmLogE, harmThreshold, missing),
            EvaluatedAt = input.EvaluatedAt,
        };
    }

    private static List<string> Warnings(GateInput input, IReadOnlyList<MetricVerdict> metrics) =>
    [
        .. from metric in metrics
           where metric.JoinedTicks > 1
           select $"{VerdictSentence.Name(metric.Metric)}: neighbouring ticks moved together, so {metric.JoinedTicks} of them are joined for a bet; harm takes longer to tell",
        .. input.Ticks is { Ahead: > 0 } ticks ? [$"{ticks.Ahead} tick(s) claimed to be ahead of the controller's clock and are not part of the class's evidence"] : (string[])[],
        .. from device in input.Devices where device.ForeignTicks > 0 select VerdictSentence.Foreign(device, input.HardwareClass),
    ];

    // In the present cohort, however small it is, and over all devices that were ever admitted.
    private static bool TooManyBroken(GateInput input)
    {
        int broken = 0, cohort = 0, brokenInCohort = 0;
        foreach (GateDevice device in input.Devices)
        {
            int isBroken = device.Invariants.Count > 0 ? 1 : 0;
            broken += isBroken;
            cohort += device.InCohort ? 1 : 0;
            brokenInCohort += device.InCohort ? isBroken : 0;
        }
        return (brokenInCohort > 0 && brokenInCohort >= input.Rules.InvariantThreshold(cohort))
            || (broken > 0 && broken >= input.Rules.InvariantThreshold(input.Devices.Count));
    }

    /// <summary>
    /// Computes a stored verdict again, by the rules that it was made with, and says whether the decision and every number came
    /// out the same to the last bit. How it is put into words is no part of a verdict: a later release may say it better.
    /// </summary>
    public static Recomputation Recompute(StoredVerdict stored)
    {
        GateInput input = stored.Input;
        if (input.SchemaVersion != GateInput.CurrentSchemaVersion)
        {
            return new Recomputation { NotComparable = $"{(input.SchemaVersion < GateInput.CurrentSchemaVersion ? "an older" : "a newer")} build made it from inputs of schema {input.SchemaVersion}; this one computes those of schema {GateInput.CurrentSchemaVersion}" };
        }
        if (input.Margins.Hash() != input.MarginsHash)
        {
            return new Recomputation { Differences = [$"the margins hash to {input.Margins.Hash()}, but {input.MarginsHash} was frozen when the rollout began"] };
        }
        GateVerdict again = Evaluate(input);
        string then = JsonSerializer.Serialize(WithoutWords(stored.Verdict), RolloutsJsonContext.Default.GateVerdict);
        string now = JsonSerializer.Serialize(WithoutWords(again), RolloutsJsonContext.Default.GateVerdict);
        bool same = string.Equals(then, now, StringComparison.Ordinal);
        return new Recomputation { Verdict = again, Same = same, Differences = same ? [] : VerdictDifferences.Between(then, now) };
    }

    private static GateVerdict WithoutWords(GateVerdict verdict) => verdict with
    {
        Reason = "",
        Warnings = [],
        Missing = [.. verdict.Missing.Select(missing => missing with { Detail = "" })],
        Devices = [.. verdict.Devices.Select(device => device with { Reason = "" })],
    };
}

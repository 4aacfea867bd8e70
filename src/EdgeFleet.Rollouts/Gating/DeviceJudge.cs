using System.Globalization;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>One device's part of a verdict; in a census also its own decision.</summary>
internal static class DeviceJudge
{
    public static DeviceVerdict Judge(GateDevice device, DeviceFigures figures, GateScales? scales, bool census)
    {
        DeviceVerdict verdict = new()
        {
            DeviceId = device.DeviceId,
            Standing = device.Standing,
            Pairs = figures.Pairs,
            DisagreementPercent = figures.DisagreementPercent,
            LatencyRatio = figures.LatencyRatio,
            BenchLatencyRatio = device.BenchLatencyRatio,
            Invariants = device.Invariants,
            Reason = device.StandingReason,
        };
        return !census || device.Standing.IsAside() || device.Standing == DeviceStanding.Failed
            ? verdict
            : scales is null || figures.Pairs == 0
                ? verdict with { Decision = GateDecision.Hold, Reason = Or(device.StandingReason, "no judged pairs yet") }
                : JudgeAlone(device, verdict, figures, scales);
    }

    private static DeviceVerdict JudgeAlone(GateDevice device, DeviceVerdict verdict, DeviceFigures figures, GateScales scales)
    {
        IReadOnlyList<CensusSeries> own = device.Evidence!.SettledCensus(scales);
        HarmEvidence harm = HarmEvidence.OfDevice(own, scales);
        PromotionEvidence promotion = PromotionEvidence.OfDevice(own, scales);
        IReadOnlyList<MetricVerdict> metrics = MetricVerdicts.Of(scales, harm, promotion, figures);
        double harmLogE = harm.LogE;
        GateDecision decision =
            harmLogE >= scales.HarmLogThreshold ? GateDecision.Rollback
            : harmLogE < scales.AmberLogThreshold && scales.Guardrails.Count > 0 && metrics.All(m => m.State is MetricState.Promotes or MetricState.Informational) ? GateDecision.Promote
            : GateDecision.Hold;
        return verdict with
        {
            Decision = decision,
            HarmLogE = harmLogE,
            Metrics = metrics,
            Reason = Or(device.StandingReason, decision switch
            {
                GateDecision.Rollback => string.Create(CultureInfo.InvariantCulture, $"harmed on its own pairs: E = {PortableMath.Exp(harmLogE):0.#}"),
                GateDecision.Promote => "within the margins on its own pairs",
                _ => string.Join("; ", metrics.Where(m => m.State is not (MetricState.Promotes or MetricState.Informational)).Select(VerdictSentence.Lacking)),
            }),
        };
    }

    private static string Or(string first, string second) => first.Length > 0 ? first : second;
}

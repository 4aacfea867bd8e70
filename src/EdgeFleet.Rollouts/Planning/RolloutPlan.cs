using System.Globalization;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>Says which devices, how many of them and how much time a rollout needs at least, from the gate's own functions.</summary>
public static class RolloutPlan
{
    /// <summary>The plan for classes that were drawn.</summary>
    /// <param name="rollout">What is to be done.</param>
    /// <param name="policy">Margins, sampling and times.</param>
    /// <param name="classes">With their devices in the order in which stages take them.</param>
    /// <param name="experience">What earlier rollouts of the model measured on a class; what is not there is assumed, and said.</param>
    /// <param name="offLine">Devices that are not on line, which stages take last; without it the plan does not name devices.</param>
    public static IReadOnlyList<ClassPlan> Of(
        RolloutSpec rollout, PolicySpec policy, IEnumerable<ClassProgress> classes, IReadOnlyDictionary<string, ClassExperience>? experience = null, IReadOnlySet<string>? offLine = null) =>
        [.. classes.OrderBy(c => c.HardwareClass, StringComparer.Ordinal).Select(c => Of(rollout, policy, c, experience?.GetValueOrDefault(c.HardwareClass), offLine))];

    private static ClassPlan Of(RolloutSpec rollout, PolicySpec policy, ClassProgress progress, ClassExperience? experience, IReadOnlySet<string>? offLine)
    {
        int devices = progress.Devices.Count;
        bool census = devices < GateRules.Current.CensusBelowDevices;
        IReadOnlyList<IReadOnlyList<string>?>? cohorts = offLine is null ? null : PlannedCohorts.Of(rollout, progress, offLine);
        int[] sizes = [.. rollout.Stages.Select((stage, i) => CohortSizes.Of(stage, i, progress.Devices))];
        int shadow = rollout.Stages.ToList().FindIndex(stage => stage.Kind == StageKind.Shadow);
        ShadowTimes times = new(policy, shadow < 0 ? 0 : sizes[shadow], experience?.PairsPerSecond);
        double width = Math.Min(LogRatioMap.Create(0, experience?.LatencyNoiseSd).WidthLogRatio, GateRules.Current.MaximumWidthLogRatio);
        IReadOnlyList<MetricPlan> metrics = shadow < 0 ? [] : MetricPlan.Of(GateMargins.Freeze(rollout, policy), census ? null : devices, width);

        StagePlan[] stages =
        [
            .. rollout.Stages.Select((stage, i) =>
            {
                (TimeSpan least, string because) = Time(stage, policy, times, metrics, census);
                return new StagePlan(stage.Kind, sizes[i], stage.Approval ? stage.ApprovalAsked : null, policy.SoakOf(stage.Kind)) { Least = least, Because = because, DeviceIds = cohorts?[i] };
            }),
        ];
        ClassPlan plan = new()
        {
            HardwareClass = progress.HardwareClass,
            Devices = devices,
            Kind = VerdictKind.Invariant,
            Stages = stages,
            Sentence = $"{devices} device(s), gated on invariants only",
            Complaint = Nobody(rollout, progress.HardwareClass, sizes),
        };
        if (shadow < 0)
        {
            return plan;
        }
        int? least = metrics.Any(m => m.Perfect is null) ? null : metrics.Max(m => m.Perfect);
        string evidence = census
            ? $"census: each device needs at least {string.Join(" and ", metrics.Select(m => $"{m.Perfect} {Windows(m)}"))}, and the verdict claims nothing beyond these devices"
            : $"statistical: at least {least?.ToString(CultureInfo.InvariantCulture) ?? "more than all"} devices of {devices} must speak with {Words(metrics)} each";
        return plan with
        {
            Kind = census ? VerdictKind.Census : VerdictKind.Statistical,
            Metrics = metrics,
            LeastObservations = least,
            LeastShadow = stages[shadow].Least,
            Sentence = $"{devices} device(s), {evidence}; a perfect candidate is {HumanTime.Say(stages[shadow].Least)} in the shadow or longer, {HumanTime.Say(plan.Least)} or longer until the last stage is over",
            Notes = Notes(policy, metrics, times, experience, census, sizes[shadow]),
            Complaint = Join(Never(policy, progress.HardwareClass, metrics, census, sizes[shadow], stages[shadow].Least), plan.Complaint),
        };
    }

    private static string? Join(string? first, string? second) => first is null ? second : second is null ? first : $"{first}; {second}";

    private static string Windows(MetricPlan metric) =>
        FormattableString.Invariant(metric.SizeUnit == "tick" ? (FormattableString)$"ticks" : $"windows of {metric.Size} {metric.SizeUnit}");

    /// <summary>What a device of a large class has to gather for all of its metrics.</summary>
    private static string Words(IReadOnlyList<MetricPlan> metrics) =>
        string.Join(" and ", metrics.GroupBy(m => m.SizeUnit, StringComparer.Ordinal).Select(unit => FormattableString.Invariant($"{unit.Max(m => m.Size)} {unit.Key}")));

    private static (TimeSpan Least, string Because) Time(StageSpec stage, PolicySpec policy, ShadowTimes times, IReadOnlyList<MetricPlan> metrics, bool census)
    {
        TimeSpan soak = policy.SoakOf(stage.Kind);
        TimeSpan probation = TimeSpan.FromSeconds(policy.Probation.Seconds);
        switch (stage.Kind)
        {
            case StageKind.Bench:
                TimeSpan bench = TimeSpan.FromMilliseconds(2.0 * ((policy.Bench.Blocks * policy.Bench.BlockMilliseconds) + policy.Bench.WarmUpMilliseconds));
                return (bench, $"{policy.Bench.Blocks} paired blocks of {policy.Bench.BlockMilliseconds} ms, baseline and candidate");
            case StageKind.Shadow:
                TimeSpan evidence = times.Perfect(metrics, census);
                TimeSpan gathered = times.Calibration + evidence;
                return soak >= gathered
                    ? (soak, $"soak; the evidence needs {HumanTime.Say(gathered)} of it")
                    : (gathered, $"{HumanTime.Say(times.Calibration)} for the noise, {HumanTime.Say(evidence)} for {(census ? "each device's own evidence" : $"{Words(metrics)} a device")}");
            default:
                return soak >= probation ? (soak, soak == TimeSpan.Zero ? "no time is asked" : "soak") : (probation, "probation on each device");
        }
    }

    private static List<string> Notes(
        PolicySpec policy, IReadOnlyList<MetricPlan> metrics, ShadowTimes times, ClassExperience? experience, bool census, int shadowing)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string pace = experience?.PairsPerSecond is not null
            ? string.Create(culture, $"{times.PairsPerSecond:0.###} pairs/s a device, as measured in {experience.RolloutId}")
            : string.Create(culture, $"{times.PairsPerSecond:0.###} pairs/s a device is assumed: {times.RequestsPerSecond:0.#} inferences/s or more on each ({policy.Evidence.SamplingPercent:0.##} % are sampled); devices that are asked less take longer");
        string noise = experience?.LatencyNoiseSd is { } sd
            ? string.Create(culture, $"latency noise of {100 * sd:0.#} % a tick, as measured in {experience.RolloutId}")
            : string.Create(culture, $"latency noise below {100 * LogRatioMap.MinimumWidth / 4:0.#} % a tick is assumed: it was not measured in this class yet");
        List<string> notes = [pace, noise];
        foreach (MetricPlan metric in metrics)
        {
            string name = System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(metric.Metric.ToString());
            if (metric.SizeUnit is not ("pairs" or "tick"))
            {
                notes.Add($"{name}: waits for {metric.SizeUnit}; how fast they come is not known here, so the times above are without them");
            }
            else if (census && metric.AsBaseline is { } observations && metric.AsBaseline > metric.Perfect)
            {
                notes.Add($"{name}: a candidate no better than the baseline takes {HumanTime.Say(times.Calibration + times.Observations(metric, observations)!.Value)} of shadow");
            }
            else if (!census && metric.Perfect <= shadowing && !(metric.AsBaseline <= shadowing))
            {
                notes.Add($"{name}: a candidate no better than the baseline would need {metric.AsBaseline?.ToString(culture) ?? "more than all"} devices and {shadowing} shadow: only a better one is promoted; raise shadow.devices or the margin");
            }
        }
        return notes;
    }

    private static string? Never(
        PolicySpec policy, string hardwareClass, IReadOnlyList<MetricPlan> metrics, bool census, int shadowing, TimeSpan least)
    {
        int needed = metrics.Select(m => m.Perfect ?? int.MaxValue).DefaultIfEmpty(0).Max();
        return !census && shadowing < needed
            ? $"the shadow stage takes {shadowing} device(s) of class {hardwareClass}, but even perfect ones promote from {needed} on; raise shadow.devices"
            : least > TimeSpan.FromSeconds(policy.Limits.StageSeconds)
                ? $"the shadow of class {hardwareClass} takes {HumanTime.Say(least)} at least, and limits.stageSeconds ends it after {HumanTime.Say(TimeSpan.FromSeconds(policy.Limits.StageSeconds))}"
                : null;
    }

    private static string? Nobody(RolloutSpec rollout, string hardwareClass, int[] sizes)
    {
        int empty = Array.IndexOf(sizes, 0);
        return empty < 0 ? null
            : $"no device of class {hardwareClass} matches '{rollout.Stages[empty].Selector}' of the {StageRules.Names[(int)rollout.Stages[empty].Kind]} stage: the class waits for a person there";
    }
}

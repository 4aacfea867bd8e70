using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Api;

/// <summary>Plans as the operator plane shows them.</summary>
internal static class RolloutPlanDocuments
{
    public static RolloutPlanDocument Of(RolloutSpec spec, RolloutPreview preview) => new(
        spec.Name, spec.Model, spec.Candidate.ToString(), RolloutView.Word(spec.Strategy), spec.Selector,
        [.. preview.Classes.Select(plan => Of(plan) with
        {
            DeviceIds = preview.Devices[plan.HardwareClass], OffLineIds = [.. preview.Devices[plan.HardwareClass].Where(preview.OffLine.Contains)],
        })],
        [.. preview.NotDrawn.Select(device => new NotDrawnDocument(device.DeviceId, device.Reason))]);

    /// <summary>Of a rollout that is there, with the devices from the stage on where each class is.</summary>
    public static RolloutPlanDocument Of(RolloutState state, IReadOnlyDictionary<string, ClassExperience> experience, IReadOnlySet<string> offLine) => new(
        state.Spec.Name, state.Spec.Model, state.Spec.Candidate.ToString(), RolloutView.Word(state.Spec.Strategy), state.Spec.Selector,
        [.. RolloutPlan.Of(state.Spec, state.Policy, state.Classes, experience, offLine).Zip(state.Classes, (plan, c) => Of(plan) with
        {
            DeviceIds = [.. c.Devices.Select(d => d.DeviceId).Order(StringComparer.Ordinal)],
            OffLineIds = [.. c.Devices.Select(d => d.DeviceId).Where(offLine.Contains).Order(StringComparer.Ordinal)],
        })],
        [.. state.NotDrawn.Select(device => new NotDrawnDocument(device.DeviceId, device.Reason))]);

    /// <summary>Of the classes that a rollout has drawn, in their order, which is that of a plan; without their devices.</summary>
    public static IReadOnlyList<ClassPlanDocument> Of(RolloutState state) => [.. RolloutPlan.Of(state.Spec, state.Policy, state.Classes).Select(Of)];

    private static ClassPlanDocument Of(ClassPlan plan) => new(
        plan.HardwareClass, plan.Devices, RolloutView.Word(plan.Kind),
        [.. plan.Stages.Select(stage => new StagePlanDocument(
            RolloutView.Word(stage.Stage), stage.Devices, stage.Approval is not null, stage.Soak.TotalSeconds, stage.Approval, stage.Least.TotalSeconds, stage.Because, stage.DeviceIds))],
        plan.LeastObservations, plan.LeastShadow?.TotalSeconds, plan.Least.TotalSeconds,
        [.. plan.Metrics.Select(m => new MetricPlanDocument(RolloutView.Word(m.Metric), m.Margin, m.MarginUnit, m.Observation, m.Perfect, m.AsBaseline, m.HalfMargin, m.Size, m.SizeUnit))],
        plan.Sentence, plan.Notes, plan.Complaint);
}

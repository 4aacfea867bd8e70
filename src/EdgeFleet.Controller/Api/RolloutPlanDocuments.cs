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

    /// <summary>Of the classes that a rollout has drawn, in their order.</summary>
    public static IReadOnlyList<ClassPlanDocument> Of(RolloutState state)
    {
        Dictionary<string, ClassPlan> plans = RolloutPlan.Of(state.Spec, state.Policy, state.Classes)
            .ToDictionary(plan => plan.HardwareClass, StringComparer.Ordinal);
        return [.. state.Classes.Select(c => Of(plans[c.HardwareClass]))];
    }

    private static ClassPlanDocument Of(ClassPlan plan) => new(
        plan.HardwareClass, plan.Devices, RolloutView.Word(plan.Kind),
        [.. plan.Stages.Select(stage => new StagePlanDocument(RolloutView.Word(stage.Stage), stage.Devices, stage.Approval is not null, stage.Soak.TotalSeconds, stage.Approval))],
        plan.LeastObservations, plan.LeastShadow?.TotalSeconds, plan.Sentence, plan.Complaint);
}

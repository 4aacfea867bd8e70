using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Api;

/// <summary>Plans as the operator plane shows them.</summary>
internal static class RolloutPlanDocuments
{
    public static RolloutPlanDocument Of(RolloutSpec spec, RolloutPreview preview) => new(
        spec.Name, spec.Model, spec.Candidate.ToString(), RolloutView.Word(spec.Strategy), spec.Selector,
        [.. preview.Classes.Select(plan => Of(plan) with { DeviceIds = preview.Devices[plan.HardwareClass] })],
        [.. preview.NotDrawn.Select(device => new NotDrawnDocument(device.DeviceId, device.Reason))]);

    public static ClassPlanDocument Of(ClassPlan plan) => new(
        plan.HardwareClass, plan.Devices, RolloutView.Word(plan.Kind),
        [.. plan.Stages.Select(stage => new StagePlanDocument(RolloutView.Word(stage.Stage), stage.Devices, stage.Approval, stage.Soak.TotalSeconds))],
        plan.LeastObservations, plan.LeastShadow?.TotalSeconds, plan.Sentence, plan.Complaint);
}

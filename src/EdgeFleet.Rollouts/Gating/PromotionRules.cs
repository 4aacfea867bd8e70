using System.Globalization;
using EdgeFleet.Rollouts.Planning;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>What a promotion needs, stage by stage. Each thing that is not there yet is named.</summary>
internal static class PromotionRules
{
    public static void Collect(
        GateInput input, IReadOnlyList<DeviceVerdict> devices, IReadOnlyList<MetricVerdict> metrics, IReadOnlyList<SliceVerdict> slices, GateScales? scales, bool amber,
        List<MissingEvidence> missing)
    {
        bool census = input.ClassSize < input.Rules.CensusBelowDevices;
        if (input.Stage == StageKind.Full)
        {
            Completion(input, missing);
        }
        else
        {
            Standings(input, census, missing);
        }
        if (input.Stage == StageKind.Shadow)
        {
            // Said first: it is what no waiting brings.
            missing.InsertRange(0, input.Devices.Where(d => d is { InCohort: true, ShadowAbsent: not null } && !d.Standing.IsAside())
                .Select(d => new MissingEvidence(MissingCodes.ShadowAbsent, d.DeviceId, $"{d.DeviceId}: {d.ShadowAbsent}")));
            if (scales is null)
            {
                missing.Add(new MissingEvidence(MissingCodes.Calibration, input.HardwareClass, $"the noise is not known yet: {input.CalibrationWaitsFor}"));
            }
            else if (census)
            {
                EachDevice(devices, missing);
            }
            else
            {
                EachMetric(input, metrics, missing);
            }
        }
        foreach (SliceVerdict slice in slices.Where(slice => slice.Harmed && input.Margins.Compare == CompareMode.Equivalence))
        {
            missing.Add(new MissingEvidence(MissingCodes.Slice, $"{slice.Name}={slice.Value}", VerdictSentence.Harmed(slice)));
        }
        if (amber)
        {
            missing.Add(new MissingEvidence(MissingCodes.Amber, input.HardwareClass, "signs of harm: at a quarter of the evidence that takes a candidate back"));
        }
        TimeSpan elapsed = input.EvaluatedAt - input.StageStartedAt;
        if (elapsed < input.Soak)
        {
            missing.Add(new MissingEvidence(MissingCodes.Soak, input.HardwareClass, $"{HumanTime.Say(input.Soak - elapsed)} of {HumanTime.Say(input.Soak)} of soak left"));
        }
        // It lacks nothing for their sake once it has enough without them; until then they are why it has less than was sent.
        if (input.Stage == StageKind.Shadow && missing.Count > 0)
        {
            missing.AddRange(input.Devices.Where(d => d.ForeignTicks > 0 && !d.Standing.IsAside())
                .Select(d => new MissingEvidence(MissingCodes.OtherHardware, d.DeviceId, VerdictSentence.Foreign(d, input.HardwareClass))));
        }
    }

    private static void Standings(GateInput input, bool census, List<MissingEvidence> missing)
    {
        List<GateDevice> cohort = [.. input.Devices.Where(d => d.InCohort && !d.Standing.IsAside())];
        if (!cohort.Exists(d => d.Standing == DeviceStanding.Reached))
        {
            missing.Add(new MissingEvidence(MissingCodes.NoDevice, input.HardwareClass, $"no device has reached the {StageRules.Names[(int)input.Stage]} stage's goal"));
        }
        foreach (GateDevice device in cohort.Where(d => d.Standing == DeviceStanding.Working))
        {
            missing.Add(new MissingEvidence(MissingCodes.Device, device.DeviceId, $"{device.DeviceId} is at work: {device.StandingReason}"));
        }

        // A census says something about each device, so each must have spoken: silence blocks, a failure that was
        // reported is that device's answer. A large class tolerates a stated share of both.
        List<GateDevice> absent = [.. cohort.Where(d => d.Standing is DeviceStanding.Missing or DeviceStanding.Failed)];
        if (!census && absent.Count * 100.0 <= input.Margins.MissingPercent * cohort.Count)
        {
            return;
        }
        foreach (GateDevice device in absent.Where(d => !census || d.Standing == DeviceStanding.Missing))
        {
            string code = device.Standing == DeviceStanding.Missing ? MissingCodes.DeviceMissing : MissingCodes.DeviceFailed;
            missing.Add(new MissingEvidence(code, device.DeviceId, $"{device.DeviceId} counts as the worst: {device.StandingReason}"));
        }
    }

    private static void Completion(GateInput input, List<MissingEvidence> missing)
    {
        List<GateDevice> cohort = [.. input.Devices.Where(d => d.InCohort && !d.Standing.IsAside())];
        int committed = cohort.Count(d => d.Standing == DeviceStanding.Reached);
        if (cohort.Count > 0 && committed * 100.0 >= input.Margins.CompletionPercent * cohort.Count)
        {
            return;
        }
        missing.Add(new MissingEvidence(MissingCodes.Devices, input.HardwareClass, string.Create(
            CultureInfo.InvariantCulture, $"{committed} of {cohort.Count} devices committed; {input.Margins.CompletionPercent:0.##} % needed")));
        foreach (GateDevice device in cohort.Where(d => d.Standing != DeviceStanding.Reached))
        {
            string code = device.Standing switch
            {
                DeviceStanding.Missing => MissingCodes.DeviceMissing,
                DeviceStanding.Failed => MissingCodes.DeviceFailed,
                _ => MissingCodes.Device,
            };
            missing.Add(new MissingEvidence(code, device.DeviceId, $"{device.DeviceId}: {device.StandingReason}"));
        }
    }

    private static void EachDevice(IReadOnlyList<DeviceVerdict> devices, List<MissingEvidence> missing)
    {
        foreach (DeviceVerdict device in devices)
        {
            // A device that is working or missing has been named already.
            if (device is { Standing: DeviceStanding.Reached, Decision: not GateDecision.Promote })
            {
                missing.Add(new MissingEvidence(MissingCodes.Metric, device.DeviceId, $"{device.DeviceId}: {device.Reason}"));
            }
        }
    }

    private static void EachMetric(GateInput input, IReadOnlyList<MetricVerdict> metrics, List<MissingEvidence> missing)
    {
        foreach (MetricVerdict metric in metrics.Where(m => m.State is MetricState.LacksEvidence or MetricState.Absent or MetricState.Harmed))
        {
            string code = metric.State == MetricState.Absent ? MissingCodes.MetricAbsent : MissingCodes.Metric;
            missing.Add(new MissingEvidence(code, VerdictSentence.Name(metric.Metric), VerdictSentence.Lacking(metric)));
        }
        long devices = metrics.Where(m => m.State != MetricState.Informational).Select(m => m.PromotionObservations).DefaultIfEmpty(0).Min();
        if (devices < input.Rules.MinimumDevices)
        {
            missing.Add(new MissingEvidence(MissingCodes.Devices, input.HardwareClass, $"{devices} of at least {input.Rules.MinimumDevices} devices have spoken"));
        }
    }
}

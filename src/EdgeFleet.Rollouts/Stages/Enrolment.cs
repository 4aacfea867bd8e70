using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>Draws the devices of a rollout, once: who is in, in which order, and who is not and why.</summary>
internal static class Enrolment
{
    public static (IReadOnlyList<ClassProgress> Classes, IReadOnlyList<NotDrawn> NotDrawn) Draw(RolloutState state, RolloutWorld world)
    {
        Selector selector = Selector.Parse(state.Spec.Selector);
        List<DeviceView> drawn = [];
        List<NotDrawn> notDrawn = [];
        foreach (DeviceView device in world.Devices.OrderBy(d => d.DeviceId, StringComparer.Ordinal))
        {
            if (!device.Revoked && selector.Matches(AttributesOf(device)))
            {
                if (WhyNot(device, state, world) is { } reason)
                {
                    notDrawn.Add(new NotDrawn(device.DeviceId, reason));
                }
                else
                {
                    drawn.Add(device);
                }
            }
        }
        Selector?[] stages = [.. state.Spec.Stages.Select(s => s.Selector.Length > 0 ? Selector.Parse(s.Selector) : null)];
        string? label = state.Spec.Stratify.Length > 0 ? SelectorName.Of(state.Spec.Stratify).Key : null;
        bool asks = state.Spec.Stages[0].Approval;
        List<ClassProgress> classes =
        [
            .. drawn.GroupBy(d => d.HardwareClass, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(group => new ClassProgress
            {
                HardwareClass = group.Key,
                StageStartedAt = world.Now,
                Phase = asks ? ClassPhase.AwaitingApproval : ClassPhase.Running,
                NotBegun = asks,
                Reason = asks ? $"{StageRules.Names[(int)state.Spec.Stages[0].Kind]} waits for {state.Spec.Stages[0].ApprovalAsked}" : "",
                Devices =
                [
                    .. EnrolmentOrder.Draw(group, d => d.DeviceId, d => label is null ? "" : AttributesOf(d).GetValueOrDefault(label, ""), state.Seed)
                        .Select(d => new DeviceProgress { DeviceId = d.DeviceId, Before = d.Active, LeftOutOf = LeftOutOf(d, stages) }),
                ],
            }),
        ];
        return (classes, notDrawn);
    }

    // Asked once: a label that is changed while the rollout runs moves no device from one cohort to another.
    private static int[]? LeftOutOf(DeviceView device, Selector?[] stages)
    {
        int[] left = [.. Enumerable.Range(0, stages.Length).Where(i => stages[i]?.Matches(AttributesOf(device)) == false)];
        return left.Length > 0 ? left : null;
    }

    private static string? WhyNot(DeviceView device, RolloutState state, RolloutWorld world)
    {
        if (world.CandidateHardwareClasses.Count > 0 && !world.CandidateHardwareClasses.Contains(device.HardwareClass, StringComparer.Ordinal))
        {
            return $"the candidate is not meant for hardware class {device.HardwareClass}";
        }
        if (device.Active == state.Spec.Candidate)
        {
            return "serves the candidate already";
        }
        if (state.Spec.Strategy == RolloutStrategy.Install && device.Active is { } active)
        {
            return $"serves {active.Short} already; strategy install is for unprovisioned devices";
        }
        if (state.Spec.Strategy == RolloutStrategy.Staged && device.Active is null)
        {
            return "is unprovisioned; a staged rollout needs a baseline to compare with";
        }
        return Silence.Since(device, state.Policy, world.Now) is { } silent ? silent : null;
    }

    private static Dictionary<string, string> AttributesOf(DeviceView device) => new(device.Attributes, StringComparer.Ordinal)
    {
        ["deviceId"] = device.DeviceId,
        ["hardwareClass"] = device.HardwareClass,
    };
}

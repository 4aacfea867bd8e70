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
        bool asks = state.Spec.Stages[0].Approval;
        List<ClassProgress> classes =
        [
            .. drawn.GroupBy(d => d.HardwareClass, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(group => new ClassProgress
            {
                HardwareClass = group.Key,
                StageStartedAt = world.Now,
                Phase = asks ? ClassPhase.AwaitingApproval : ClassPhase.Running,
                NotBegun = asks,
                Reason = asks ? $"{StageRules.Names[(int)state.Spec.Stages[0].Kind]} waits for a person's approval" : "",
                Devices = [.. EnrolmentOrder.Permute(group, d => d.DeviceId, state.Seed).Select(d => new DeviceProgress { DeviceId = d.DeviceId, Before = d.Active })],
            }),
        ];
        return (classes, notDrawn);
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

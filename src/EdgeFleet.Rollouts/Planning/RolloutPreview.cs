using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Planning;

/// <summary>What a rollout would do if it began now: which devices it draws, what it asks of each class, and whether that makes sense.</summary>
public sealed record RolloutPreview
{
    public required IReadOnlyList<ClassPlan> Classes { get; init; }

    /// <summary>The devices of each class in order of their id. In which order stages take them is in the plan.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<string>> Devices { get; init; }

    public required IReadOnlyList<NotDrawn> NotDrawn { get; init; }

    /// <summary>Those of <see cref="Devices"/> that are not on line now: stages take them last.</summary>
    public required IReadOnlyCollection<string> OffLine { get; init; }

    /// <summary>Why it would never begin, and the way out; null when it would, at the latest when devices that are silent now are back.</summary>
    public string? Refusal { get; init; }

    /// <param name="pending">A rollout that has not begun.</param>
    /// <param name="world">As it is now.</param>
    /// <param name="experience">What earlier rollouts of the model measured on a class.</param>
    public static RolloutPreview Of(RolloutState pending, RolloutWorld world, IReadOnlyDictionary<string, ClassExperience>? experience = null)
    {
        (IReadOnlyList<ClassProgress> classes, IReadOnlyList<NotDrawn> notDrawn) = Enrolment.Draw(pending, world);
        HashSet<string> drawn = [.. classes.SelectMany(c => c.Devices).Select(d => d.DeviceId)];
        HashSet<string> offLine = [.. world.Devices.Where(d => !Silence.IsHeard(d, world.Now) && drawn.Contains(d.DeviceId)).Select(d => d.DeviceId)];
        return new RolloutPreview
        {
            Classes = RolloutPlan.Of(pending.Spec, pending.Policy, classes, experience, offLine),
            Devices = classes.ToDictionary(
                c => c.HardwareClass, IReadOnlyList<string> (c) => [.. c.Devices.Select(d => d.DeviceId).Order(StringComparer.Ordinal)], StringComparer.Ordinal),
            NotDrawn = notDrawn,
            OffLine = [.. offLine.Order(StringComparer.Ordinal)],
            Refusal = classes.Count > 0 || AnyIsOnlySilent(notDrawn, pending, world) ? null : Refuse(pending.Spec, notDrawn, world),
        };
    }

    private static bool AnyIsOnlySilent(IReadOnlyList<NotDrawn> notDrawn, RolloutState state, RolloutWorld world)
    {
        Dictionary<string, DeviceView> views = world.Devices.ToDictionary(d => d.DeviceId, StringComparer.Ordinal);
        return notDrawn.Any(d => d.Reason == Silence.Since(views[d.DeviceId], state.Policy, world.Now));
    }

    private static string Refuse(RolloutSpec spec, IReadOnlyList<NotDrawn> notDrawn, RolloutWorld world)
    {
        List<DeviceView> members = [.. world.Devices.Where(d => !d.Revoked)];
        if (members.Count == 0)
        {
            return "no device is approved; enrol and approve devices first";
        }
        if (notDrawn.Count == 0)
        {
            string classes = string.Join(", ", members.Select(d => d.HardwareClass).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Take(8));
            return $"selector '{spec.Selector}' matches none of {members.Count} approved device(s); their hardware classes are {classes}; 'edgefleet device list' shows their labels";
        }
        IEnumerable<string> reasons = notDrawn.GroupBy(d => d.Reason, StringComparer.Ordinal).OrderByDescending(g => g.Count()).Take(4)
            .Select(g => g.Count() == 1 ? $"{g.First().DeviceId} {g.Key}" : $"{g.Count()} such as {g.First().DeviceId}: {g.Key}");
        return $"{notDrawn.Count} device(s) match selector '{spec.Selector}' and none can take part: {string.Join("; ", reasons)}";
    }
}

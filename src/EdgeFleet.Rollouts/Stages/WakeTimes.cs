namespace EdgeFleet.Rollouts.Stages;

/// <summary>When the clock alone may change a decision.</summary>
internal static class WakeTimes
{
    // Limits are "longer than": a look exactly at the limit would see nothing new.
    private static readonly TimeSpan s_after = TimeSpan.FromTicks(1);

    public static DateTimeOffset? Next(RolloutState state, RolloutWorld world)
    {
        if (StageTransitions.IsEnd(state.Phase))
        {
            return null;
        }
        Dictionary<string, DeviceView> views = world.Devices.ToDictionary(d => d.DeviceId, StringComparer.Ordinal);
        DateTimeOffset? next = null;
        foreach (ClassProgress progress in state.Classes.Where(c => !StageTransitions.IsEnd(c.Phase)))
        {
            Consider(progress.BackSince + ClassReconciler.BackLimit(state.Policy) + s_after);
            Consider(progress.StageStartedAt + state.Policy.SoakOf(state.Spec.Stages[progress.Stage].Kind));
            Consider(progress.StageStartedAt + TimeSpan.FromSeconds(state.Policy.Limits.StageSeconds) + s_after);
            foreach (DeviceProgress device in progress.Devices.Where(d => d is { Stage: >= 0, Exit: null }))
            {
                Consider(device.AdmittedAt + DeviceReading.TimeLimit(state.Spec.Stages[device.Stage], state.Policy) + s_after);
                if (views.TryGetValue(device.DeviceId, out DeviceView? view))
                {
                    Consider(view.LastSeenAt + Silence.Limit(view, state.Policy) + s_after);
                }
            }
        }
        return next;

        void Consider(DateTimeOffset? at)
        {
            if (at > world.Now && (next is null || at < next))
            {
                next = at;
            }
        }
    }
}

using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Stages;

/// <summary>When a device counts as silent: after the policy's limit, or three times its expected contact if that is longer.</summary>
internal static class Silence
{
    private const int ExpectedContacts = 3;

    public static TimeSpan Limit(DeviceView device, PolicySpec policy)
    {
        TimeSpan limit = TimeSpan.FromSeconds(policy.Limits.SilentSeconds);
        return device.ExpectedContact is { } expected && expected * ExpectedContacts > limit ? expected * ExpectedContacts : limit;
    }

    /// <summary>Whether the device is on line, or due to be heard within its usual time. One that is connected was seen now.</summary>
    public static bool IsHeard(DeviceView device, DateTimeOffset now) =>
        device.LastSeenAt is { } seen && now - seen <= (device.ExpectedContact ?? TimeSpan.Zero);

    /// <summary>A sentence when the device is silent; null when it is not.</summary>
    public static string? Since(DeviceView device, PolicySpec policy, DateTimeOffset now)
    {
        if (device.LastSeenAt is not { } seen)
        {
            return "was never heard of";
        }
        TimeSpan limit = Limit(device, policy);
        return now - seen > limit
            ? FormattableString.Invariant($"silent since {seen.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ} (limit {limit.TotalSeconds:0} s)")
            : null;
    }
}

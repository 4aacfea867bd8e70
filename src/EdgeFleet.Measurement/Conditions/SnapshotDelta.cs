using System.Globalization;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>Whether the device was slowed down in a window.</summary>
public enum Throttled
{
    /// <summary>Nothing on this device that tells could be read at both edges.</summary>
    Unknown,
    No,
    Yes,
}

/// <summary>A cause of throttling in a window.</summary>
/// <param name="Sign">What told.</param>
/// <param name="Cause">For a person.</param>
/// <param name="Events">How often, where it is counted.</param>
public sealed record ThrottleCause(string Sign, string Cause, long? Events)
{
    public override string ToString() => Events is { } events ? string.Create(CultureInfo.InvariantCulture, $"{Cause}, {events} times [{Sign}]") : $"{Cause} [{Sign}]";
}

/// <summary>What happened on a device between two snapshots.</summary>
/// <param name="Throttled">The verdict.</param>
/// <param name="Causes">Why it is yes.</param>
/// <param name="Unwatched">What could not tell in this window, and why. A no is as good as what is missing here.</param>
/// <param name="PowerModeChanged">The two snapshots are of two power modes.</param>
/// <param name="HottestMilliCelsius">The hottest zone at either edge.</param>
/// <param name="TripDistanceMilliCelsius">The least distance of a zone from its passive trip at either edge; null where none is known.</param>
public sealed record SnapshotDelta(
    Throttled Throttled, IReadOnlyList<ThrottleCause> Causes, IReadOnlyList<string> Unwatched, bool PowerModeChanged, long? HottestMilliCelsius, long? TripDistanceMilliCelsius)
{
    public static SnapshotDelta Between(DeviceSnapshot begin, DeviceSnapshot end)
    {
        Dictionary<string, ThrottleSign> before = [];
        foreach (ThrottleSign sign in begin.Signs)
        {
            before.TryAdd(sign.Name, sign);
        }
        List<ThrottleCause> causes = [];
        List<string> unwatched = [];
        bool anyTold = false;
        HashSet<string> seen = [];
        foreach (ThrottleSign after in end.Signs.Where(sign => seen.Add(sign.Name)))
        {
            anyTold |= Judge(before.GetValueOrDefault(after.Name), after, causes, unwatched);
        }
        unwatched.AddRange(before.Values.Where(sign => !seen.Contains(sign.Name)).Select(sign => $"{sign.Name}: it was gone at the end"));
        return new SnapshotDelta(
            causes.Count > 0 ? Throttled.Yes : anyTold ? Throttled.No : Throttled.Unknown,
            causes, unwatched, begin.PowerMode != end.PowerMode,
            begin.Zones.Concat(end.Zones).Max(zone => zone.MilliCelsius),
            begin.Zones.Concat(end.Zones).Min(zone => zone.DistanceMilliCelsius));
    }

    /// <returns>Whether the sign told anything of the window.</returns>
    private static bool Judge(ThrottleSign? before, ThrottleSign after, List<ThrottleCause> causes, List<string> unwatched)
    {
        // A level that shows at one edge is throttling, whatever the other edge could say.
        if (after.Kind == SignKind.Level && (before?.Value > 0 || after.Value > 0))
        {
            causes.Add(new ThrottleCause(after.Name, (after.Value > 0 ? after : before!).Cause, null));
            return true;
        }
        if (before is not { Value: { } first } || after.Value is not { } last)
        {
            unwatched.Add($"{after.Name}: {(before is null ? "it was not there at the beginning" : before.Reason ?? after.Reason)}");
            return false;
        }
        switch (after.Kind)
        {
            case SignKind.Counter when last < first:
                // A driver that was loaded anew counts from zero: how much happened before that, nobody knows.
                unwatched.Add(string.Create(CultureInfo.InvariantCulture, $"{after.Name}: it went back from {first} to {last}"));
                return false;
            case SignKind.Counter when last > first:
                causes.Add(new ThrottleCause(after.Name, after.Cause, last - first));
                return true;
            case SignKind.Sticky when first == 0 && last > 0:
                causes.Add(new ThrottleCause(after.Name, after.Cause, null));
                return true;
            case SignKind.Sticky when first > 0:
                unwatched.Add($"{after.Name}: it was set before, so a short event in the window would not show");
                return false;
            default:
                return true;
        }
    }
}

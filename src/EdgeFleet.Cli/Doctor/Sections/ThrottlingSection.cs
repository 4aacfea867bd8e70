using System.Globalization;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>What on this device shows that it was slowed down.</summary>
internal static class ThrottlingSection
{
    public const string Area = "throttling";

    public static IEnumerable<Finding> Look(Device device)
    {
        using IFirmwareMailbox firmware = AskedHardware.Of(device).OpenMailbox();
        IReadOnlyList<ThrottleSign> signs = DeviceSnapshot.Take(device.Files, TimeProvider.System, firmware).Signs;
        if (signs.Count == 0)
        {
            yield return new Finding(Area, "signs", FindingState.Absent, "nothing on this device counts or shows throttling",
                "in a virtual machine ask its host; a figure then says that throttling is unknown");
        }
        // Processors have one each of the same kind; a person wants to know of those that tell something.
        foreach (IGrouping<string, ThrottleSign> kind in signs.GroupBy(sign => Kind(sign.Name)))
        {
            ThrottleSign[] read = [.. kind.Where(sign => sign.Value is not null)], unread = [.. kind.Where(sign => sign.Value is null)];
            if (read.Length > 0)
            {
                ThrottleSign[] active = [.. read.Where(sign => sign.Value > 0)];
                string how = read[0].Kind switch { SignKind.Counter => "counts events", SignKind.Sticky => "stays set from its first event on", _ => "shows while it lasts" };
                yield return new Finding(Area, kind.Key, FindingState.Found, $"{how}{Times(read.Length)}{(active.Length == 0 ? "" : "; since the start: " + string.Join(", ", active.Take(4).Select(Say)))}",
                    active.Length > 0 && read[0].Kind != SignKind.Counter ? $"it is slowed now, or was: {active[0].Cause}; cool it or give it a stronger supply before you measure" : null);
            }
            if (unread.Length > 0)
            {
                yield return new Finding(Area, kind.Key, FindingState.Absent, $"{unread[0].Reason}{Times(unread.Length)}", "run as root if the reason is a missing permission");
            }
        }
    }

    private static string Say(ThrottleSign sign) => string.Create(CultureInfo.InvariantCulture, $"{sign.Cause}{(sign.Kind == SignKind.Counter ? $" ({sign.Value} times)" : "")}");

    /// <summary><c>cpu7 core_throttle_count</c> is one of the processors' counts.</summary>
    private static string Kind(string name)
    {
        string[] words = name.Split(' ');
        string first = words[0].StartsWith("cpu", StringComparison.Ordinal) && words[0].Length > 3 && char.IsAsciiDigit(words[0][3]) ? "cpu*" : words[0];
        return words is ["cooler", var type, ..] ? $"cooler {type}" : string.Join(' ', words.Skip(1).Prepend(first));
    }

    private static string Times(int count) => count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", {count} of them");
}

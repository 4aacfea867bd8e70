using System.Text.RegularExpressions;

namespace EdgeFleet.Linux.Captures;

/// <summary>
/// Takes out of a capture what tells one device from another of its kind: hardware addresses, serial numbers, the host's
/// name. The same thing becomes the same word everywhere, so that paths still lead to their files.
/// </summary>
/// <param name="hostName">As the kernel knows it; empty for none.</param>
public sealed partial class Scrubber(string hostName)
{
    private readonly Dictionary<string, string> _addresses = new(StringComparer.OrdinalIgnoreCase);

    private int _serials;
    private bool _hostSeen;

    /// <summary>How many different things were taken out.</summary>
    public int Count => _addresses.Count + _serials + (_hostSeen ? 1 : 0);

    /// <summary>For paths, names in folders, links and answers.</summary>
    public string Name(string text) => HardwareAddress().Replace(text, match =>
    {
        if (!_addresses.TryGetValue(match.Value, out string? stand))
        {
            // Of the same form, so that whoever parses it finds an address.
            stand = $"00{match.Value[2]}00{match.Value[2]}00{match.Value[2]}00{match.Value[2]}00{match.Value[2]}{_addresses.Count + 1:x2}";
            _addresses[match.Value] = stand;
        }
        return stand;
    });

    /// <param name="path">Where the text was read.</param>
    public string Content(string path, string text)
    {
        string clean = Name(text);
        if (path == "/proc/cpuinfo")
        {
            // A Raspberry Pi's serial number stands among its processors.
            clean = SerialLine().Replace(clean, match =>
            {
                _serials++;
                return match.Groups[1].Value + "0000000000000000";
            });
        }
        else if (path.EndsWith("/mountinfo", StringComparison.Ordinal))
        {
            // Of the mounts only that of the control groups is looked at; the others may name servers and people.
            clean = string.Join('\n', clean.Split('\n').Where(line => line.Contains(" - cgroup", StringComparison.Ordinal)));
        }
        else if (path.EndsWith("/status", StringComparison.Ordinal) && path.StartsWith("/proc/", StringComparison.Ordinal))
        {
            // Of a process its memory is looked at, and whether it is root's.
            clean = string.Join('\n', clean.Split('\n').Where(line => line.StartsWith("Uid:", StringComparison.Ordinal) || line.StartsWith("Vm", StringComparison.Ordinal) || line.StartsWith("Rss", StringComparison.Ordinal)));
        }
        else if (path.EndsWith("/cgroup", StringComparison.Ordinal) && hostName.Length > 0)
        {
            string without = Regex.Replace(clean, $@"(?<![\w-]){Regex.Escape(hostName)}(?![\w-])", "host");
            _hostSeen |= without != clean;
            clean = without;
        }
        return clean;
    }

    [GeneratedRegex("(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})(?![0-9A-Fa-f])", RegexOptions.CultureInvariant)]
    private static partial Regex HardwareAddress();

    [GeneratedRegex(@"^(Serial\s*:\s*).*$", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex SerialLine();
}

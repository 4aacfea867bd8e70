using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>A Jetson's power mode. Numbers are not in the order of speed.</summary>
/// <param name="Id">As nvpmodel numbers it on this board.</param>
/// <param name="Name">From the board's catalogue; null where that does not have it.</param>
public sealed record PowerMode(int Id, string? Name)
{
    /// <summary>Null: the board never had a mode set, or is none that has modes.</summary>
    public static PowerMode? Read(ISystemFiles files)
    {
        const string prefix = "pmode:";
        return files.Text("/var/lib/nvpmodel/status") is { } status && status.StartsWith(prefix, StringComparison.Ordinal)
            && int.TryParse(status.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? new PowerMode(id, NameOf(files, id))
            : null;
    }

    public override string ToString() => Name is null ? $"mode {Id}" : $"{Name} (mode {Id})";

    /// <summary>Lines such as <c>&lt; POWER_MODEL ID=0 NAME=MAXN &gt;</c>; the two words come in either order.</summary>
    private static string? NameOf(ISystemFiles files, int id)
    {
        foreach (string line in (files.Text("/etc/nvpmodel.conf") ?? "").Split('\n'))
        {
            string[] words = line.Split([' ', '\t', '<', '>', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["POWER_MODEL", ..] && Value("ID=") is { } number && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int found) && found == id)
            {
                return Value("NAME=");
            }

            string? Value(string key) => words.FirstOrDefault(word => word.StartsWith(key, StringComparison.Ordinal))?[key.Length..];
        }
        return null;
    }
}

using System.Text.RegularExpressions;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary><c>${name}</c> in a rollout file is filled from <c>--set name=value</c>, so that one file serves every candidate.</summary>
internal static partial class FileVariables
{
    public static string Fill(string text, IEnumerable<string> assignments, string file)
    {
        Dictionary<string, string> values = new(StringComparer.Ordinal);
        foreach (string assignment in assignments)
        {
            int equals = assignment.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                throw new CommandFailedException(ExitCode.WrongUsage, $"--set '{assignment}': expected name=value");
            }
            values[assignment[..equals]] = assignment[(equals + 1)..];
        }
        HashSet<string> used = new(StringComparer.Ordinal);
        string filled = Variable().Replace(text, match =>
        {
            string name = match.Groups[1].Value;
            used.Add(name);
            return values.TryGetValue(name, out string? value)
                ? value
                : throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' asks for ${{{name}}}; give --set {name}=VALUE");
        });
        return values.Keys.FirstOrDefault(name => !used.Contains(name)) is { } unused
            ? throw new CommandFailedException(ExitCode.WrongUsage, $"'{file}' has no ${{{unused}}} for --set {unused}=…")
            : filled;
    }

    [GeneratedRegex(@"\$\{([A-Za-z][A-Za-z0-9_]*)\}", RegexOptions.CultureInvariant)]
    private static partial Regex Variable();
}

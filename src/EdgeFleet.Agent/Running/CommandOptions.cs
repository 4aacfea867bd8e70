using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace EdgeFleet.Agent.Running;

/// <summary>Exit codes of every command.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int WrongUsage = 2;
    public const int WorldFailed = 3;
}

/// <summary>Options that several commands share.</summary>
internal static class CommandOptions
{
    public static Option<string> State() => new("--state") { Description = "The device's state folder.", HelpName = "DIR", Required = true };

    public static Option<string?> ServeControl() => new("--serve-control") { Description = "The runner's control socket. Default: STATE/serve/control.sock.", HelpName = "SOCKET" };

    public static Option<int> Threads() => new("--threads")
    {
        Description = "Threads that inference may use; part of the hardware class.",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
        CustomParser = result => ReadWhole(result, "--threads", 1, 1024) ?? 1,
    };

    /// <summary>A whole number within bounds; null where it is not given.</summary>
    public static Option<int?> Whole(string name, string description, int least, int most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => ReadWhole(result, name, least, most),
    };

    /// <summary>A number above zero; null where it is not given.</summary>
    public static Option<double?> Positive(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "NUMBER",
        CustomParser = result =>
        {
            string text = result.Tokens is [var token] ? token.Value : "";
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value > 0 && double.IsFinite(value))
            {
                return value;
            }
            result.AddError($"{name} '{text}': expected a number above 0");
            return null;
        },
    };

    /// <summary>Whether the command line names the option, with a value or without: what a validator may ask.</summary>
    public static bool Names(this CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };

    /// <summary>Read here, and not in a validator: one that asks for the value of a text that is no number ends the process.</summary>
    public static int? ReadWhole(ArgumentResult result, string name, int least, int most)
    {
        string text = result.Tokens.Count > 0 ? result.Tokens[^1].Value : "";
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most)
        {
            return value;
        }
        result.AddError($"{name} '{text}': expected a whole number from {least} to {most}");
        return null;
    }

    public static Option<string[]> Labels() => new("--label")
    {
        Description = "A label that selectors may ask for. May be given several times.",
        HelpName = "KEY=VALUE",
        DefaultValueFactory = _ => [],
    };

    /// <exception cref="FormatException">One is not of the form key=value.</exception>
    public static IReadOnlyDictionary<string, string> ParseLabels(IEnumerable<string> labels)
    {
        Dictionary<string, string> parsed = new(StringComparer.Ordinal);
        foreach (string label in labels)
        {
            int equals = label.IndexOf('=');
            if (equals <= 0)
            {
                throw new FormatException($"--label '{label}': expected KEY=VALUE");
            }
            parsed[label[..equals]] = label[(equals + 1)..];
        }
        return parsed;
    }
}

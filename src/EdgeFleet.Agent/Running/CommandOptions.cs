using System.CommandLine;

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

    public static Option<int> Threads()
    {
        Option<int> threads = new("--threads") { Description = "Threads that inference may use; part of the hardware class.", HelpName = "N", DefaultValueFactory = _ => 1 };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--threads is at least 1.");
            }
        });
        return threads;
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

using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>One line for each change, for a log or a pipe.</summary>
internal sealed class LineWatcher(Output output) : IWatcher
{
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private string _last = "";
    private HashSet<string> _told = [];

    public void Show(JsonNode rollout)
    {
        string line = Describe(rollout);
        if (line != _last)
        {
            output.Note(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds,7:0.0} s  {line}"));
            _last = line;
        }
        string[] waits = [.. RolloutView.Waits(rollout)];
        foreach (string wait in waits.Where(wait => !_told.Contains(wait)))
        {
            output.Note(wait);
        }
        // Said again when the same wait comes back after it was over.
        _told = [.. waits];
    }

    public void Trouble(string message)
    {
        if (_last != message)
        {
            output.Note(message);
            _last = message;
        }
    }

    public void Dispose()
    {
        // Lines stay where they are.
    }

    private static string Describe(JsonNode rollout)
    {
        string classes = string.Join("; ", rollout.List("classes").Select(c => $"{c.Text("hardwareClass")}: {c.Text("stage")} {RolloutView.State(c)}"));
        return $"{RolloutView.State(rollout)} | {classes} | {RolloutView.Phases(rollout)}";
    }
}

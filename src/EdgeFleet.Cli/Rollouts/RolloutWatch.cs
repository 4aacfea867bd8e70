using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Follows a rollout: one line for each change, and the whole picture at its end.</summary>
internal static class RolloutWatch
{
    private static readonly string[] s_ended = ["completed", "partlyCompleted", "refused", "rolledBack", "aborted"];
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(500);

    public static async Task<int> RunAsync(ControllerClient controller, string rolloutId, Output output, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string last = "";
        while (true)
        {
            JsonNode rollout = await controller.GetAsync($"rollouts/{Uri.EscapeDataString(rolloutId)}", cancellationToken);
            string line = Describe(rollout);
            if (line != last)
            {
                output.Note(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds,7:0.0} s  {line}"));
                last = line;
            }
            if (s_ended.Contains(rollout.Text("state")))
            {
                RolloutView.Print(rollout, output);
                output.Json(rollout);
                return rollout.Text("state") == "completed" ? ExitCode.Done : ExitCode.VerdictIsNo;
            }
            await Task.Delay(s_interval, cancellationToken);
        }
    }

    private static string Describe(JsonNode rollout)
    {
        string classes = string.Join("; ", rollout.List("classes").Select(c => $"{c.Text("hardwareClass")}: {c.Text("stage")} {c.Text("state")}"));
        string phases = string.Join(", ", rollout.List("devices").GroupBy(d => d.Text("phase")).Select(g => $"{g.Count()} {g.Key}"));
        return $"{rollout.Text("state")} | {classes} | {phases}";
    }
}

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

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(ControllerClient controller, string rolloutId, Output output, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string last = "";
        TimeSpan? away = null;
        while (true)
        {
            JsonNode rollout;
            try
            {
                rollout = await controller.GetAsync($"rollouts/{Uri.EscapeDataString(rolloutId)}", cancellationToken);
                away = null;
            }
            catch (CommandFailedException ex) when (ex.InnerException is HttpRequestException && last.Length > 0 && (away ??= watch.Elapsed) + s_patience > watch.Elapsed)
            {
                // A controller that is started again goes on where it was, and so does the one who watches.
                if (last != ex.Message)
                {
                    output.Note(ex.Message);
                    last = ex.Message;
                }
                await Task.Delay(s_interval, cancellationToken);
                continue;
            }
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

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
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(ControllerClient controller, string rolloutId, Output output, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string last = "";
        HashSet<string> told = [];
        TimeSpan? away = null;
        while (true)
        {
            try
            {
                // Without devices: their phases are counted by the controller, so a fleet of ten thousand costs a line.
                JsonNode rollout = await controller.GetAsync($"rollouts/{Uri.EscapeDataString(rolloutId)}?devices=0", cancellationToken);
                away = null;
                RolloutView.Tell(rolloutId, rollout, output);
                // A name may pass to a newer rollout; who watches goes on with this one.
                rolloutId = rollout.Text("id");
                string line = Describe(rollout);
                if (line != last)
                {
                    output.Note(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds,7:0.0} s  {line}"));
                    last = line;
                }
                string[] waits = [.. RolloutView.Waits(rollout)];
                foreach (string wait in waits.Where(wait => !told.Contains(wait)))
                {
                    output.Note(wait);
                }
                // Said again when the same wait comes back after it was over.
                told = [.. waits];
                if (s_ended.Contains(rollout.Text("state")))
                {
                    return await EndAsync(controller, rolloutId, output, cancellationToken);
                }
                // Returns at the next event of the timeline; phases of devices change without one.
                await controller.GetAsync(
                    $"rollouts/{Uri.EscapeDataString(rollout.Text("id"))}/events?limit=1&waitMs={Interval(rollout)}&after={rollout.Text("lastEvent")}", cancellationToken);
            }
            catch (CommandFailedException ex) when (ex.InnerException is HttpRequestException && last.Length > 0 && (away ??= watch.Elapsed) + s_patience > watch.Elapsed)
            {
                // A controller that is started again goes on where it was, and so does the one who watches.
                if (last != ex.Message)
                {
                    output.Note(ex.Message);
                    last = ex.Message;
                }
                await Task.Delay(s_retry, cancellationToken);
            }
        }
    }

    private static async Task<int> EndAsync(ControllerClient controller, string rolloutId, Output output, CancellationToken cancellationToken)
    {
        JsonNode rollout = await RolloutView.ReadAsync(controller, rolloutId, output, cancellationToken);
        RolloutView.Print(rollout, output);
        output.Json(rollout);
        return rollout.Text("state") == "completed" ? ExitCode.Done : ExitCode.VerdictIsNo;
    }

    /// <summary>A look at a large fleet costs the controller more, so it comes less often.</summary>
    private static int Interval(JsonNode rollout) => rollout.Number("deviceCount") > 1000 ? 2000 : 500;

    private static string Describe(JsonNode rollout)
    {
        string classes = string.Join("; ", rollout.List("classes").Select(c => $"{c.Text("hardwareClass")}: {c.Text("stage")} {RolloutView.State(c)}"));
        return $"{RolloutView.State(rollout)} | {classes} | {RolloutView.Phases(rollout)}";
    }
}

using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Connection;
using EdgeFleet.Cli.Terminal;

namespace EdgeFleet.Cli.Rollouts;

/// <summary>Follows a rollout: a live screen on a terminal, else one line for each change; and the whole picture at its end.</summary>
internal static class RolloutWatch
{
    private static readonly string[] s_ended = ["completed", "partlyCompleted", "refused", "rolledBack", "aborted"];
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(ControllerClient controller, string rolloutId, Output output, CancellationToken cancellationToken)
    {
        IWatcher? watcher = null;
        TimeSpan? away = null;
        Stopwatch watch = Stopwatch.StartNew();
        try
        {
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
                    bool ended = s_ended.Contains(rollout.Text("state"));
                    watcher ??= !ended && LiveScreen.TryOpen(output) is { } screen ? new LiveWatcher(screen) : new LineWatcher(output);
                    watcher.Show(rollout);
                    if (ended)
                    {
                        break;
                    }
                    // Returns at the next event of the timeline; phases of devices change without one.
                    await controller.GetAsync(
                        $"rollouts/{Uri.EscapeDataString(rollout.Text("id"))}/events?limit=1&waitMs={Interval(rollout)}&after={rollout.Text("lastEvent")}", cancellationToken);
                }
                catch (CommandFailedException ex) when (ex.InnerException is HttpRequestException && watcher is not null && (away ??= watch.Elapsed) + s_patience > watch.Elapsed)
                {
                    // A controller that is started again goes on where it was, and so does the one who watches.
                    watcher.Trouble(ex.Message);
                    await Task.Delay(s_retry, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException) when (watcher is LiveWatcher && cancellationToken.IsCancellationRequested)
        {
            // "cancelled" alone would read as if the rollout were.
            watcher.Dispose();
            output.Note($"no longer watched; the rollout goes on: 'edgefleet rollout watch {rolloutId}' shows it again");
            return ExitCode.WorldFailed;
        }
        finally
        {
            watcher?.Dispose();
        }
        return await EndAsync(controller, rolloutId, output, cancellationToken);
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
}

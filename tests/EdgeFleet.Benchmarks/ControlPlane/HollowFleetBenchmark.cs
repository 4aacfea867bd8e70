using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Core;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>
/// A thousand hollow agents of <c>edgefleet simulate</c>: the agent's own sync, state table and outbox, with the hardware and
/// the inference modelled. An install and a staged rollout through the gate, then the rollback of all of them.
/// </summary>
internal static class HollowFleetBenchmark
{
    private const int Devices = 1000;
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(8);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        await using ControllerProcess controller = await ControllerProcess.StartAsync(limit.Token);
        await using HollowFleetProcess fleet = await HollowFleetProcess.StartAsync(controller, folder, Devices, limit.Token);
        try
        {
            Digest first = await HollowModel.PublishAsync(controller, 1, null, limit.Token);
            Digest second = await HollowModel.PublishAsync(controller, 2, first, limit.Token);
            double install = await RollOutAsync(controller, "install", first, HollowModel.Install, limit.Token);
            double staged = await RollOutAsync(
                controller, "staged", second, HollowModel.Staged, limit.Token);
            double rollback = await RollBackAsync(controller, limit.Token);
            double busy = controller.ResidentMiB;
            await Task.Delay(s_quiet, limit.Token);
            double resident = controller.ResidentMiB;
            string source = $"{Devices} hollow agents in one process beside the controller; hardware and inference modelled";
            return
            [
                new("rollback to the last of 1,000 hollow agents", rollback, "s", "<= 5", rollback <= 5, $"from the order to the last device's stored report; {source}"),
                new("controller with 1,000 hollow agents: resident memory", resident, "MiB", "<= 300", resident <= 300, $"{s_quiet.TotalSeconds:0} s after an install, a staged rollout and a rollback; {source}"),
                new("the same, as the rollback ends", busy, "MiB", null, true, source),
                new("install on 1,000 hollow agents", install, "s", null, true, $"probation 1 s; {source}"),
                new("bench, shadow, canary, ramp, full on 1,000 hollow agents", staged, "s", null, true, $"ticks of 1 s, no soak; {source}"),
            ];
        }
        finally
        {
            await fleet.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> RollOutAsync(ControllerProcess controller, string name, Digest candidate, string strategy, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        JsonNode rollout = await controller.PostYamlAsync("rollouts", HollowModel.Rollout(name, candidate, strategy), cancellationToken);
        string id = rollout["id"]!.GetValue<string>();
        while (true)
        {
            string state = rollout["state"]!.GetValue<string>();
            if (state == "completed")
            {
                return Stopwatch.GetElapsedTime(began).TotalSeconds;
            }
            if (state is not ("pending" or "running"))
            {
                throw new InvalidOperationException($"rollout '{name}' ended as {state}");
            }
            await Task.Delay(200, cancellationToken);
            rollout = await controller.GetAsync($"rollouts/{id}", cancellationToken);
        }
    }

    private static async Task<double> RollBackAsync(ControllerProcess controller, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        JsonNode order = await controller.PostAsync("rollbacks", new JsonObject { ["model"] = "bench", ["reason"] = "bench" }, cancellationToken);
        JsonNode progress = order;
        while (!progress["done"]!.GetValue<bool>())
        {
            progress = await controller.GetAsync($"rollbacks/{order["id"]}?waitMs=5000", cancellationToken);
        }
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        int count = progress["devices"]!.AsArray().Count;
        return count == Devices ? seconds : throw new InvalidOperationException($"the rollback meant {count} of {Devices} devices");
    }
}

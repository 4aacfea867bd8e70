using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Core;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>
/// Rollouts, aborts and rollbacks one after another on a fleet of hollow agents, while the controller and its broker are
/// killed at moments of chance. After each round every device has to be where that round leaves it; the first rounds have no
/// kills, so that memory which only grows shows as such.
/// </summary>
internal static class FleetSoak
{
    private const int Devices = 100;
    private const int QuietRounds = 8;
    private const int Seed = 20261;
    private static readonly TimeSpan s_length = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(20);
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(90);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        string folder = Directory.CreateTempSubdirectory("edgefleet-soak-").FullName;
        await using ControllerProcess controller = await ControllerProcess.StartAsync(limit.Token, staysPut: true);
        await using HollowFleetProcess fleet = await HollowFleetProcess.StartAsync(controller, folder, Devices, limit.Token);
        try
        {
            Tally tally = new();
            Random random = new(Seed);
            Digest serving = await HollowModel.PublishAsync(controller, 0, null, limit.Token);
            await EndAsync(controller, await BeginAsync(controller, "r0", serving, HollowModel.Install, limit.Token), limit.Token);
            tally.Misplaced += await MisplacedAsync(controller, serving, limit.Token);
            long began = Stopwatch.GetTimestamp();
            double early = 0, late = 0;
            for (int round = 1; Stopwatch.GetElapsedTime(began) < s_length; round++)
            {
                Digest candidate = await HollowModel.PublishAsync(controller, round, serving, limit.Token);
                Story story = (Story)random.Next(3);
                Fault fault = round <= QuietRounds ? Fault.None : (Fault)random.Next(4);
                Console.WriteLine($"   round {round}: {story}, fault {fault}; {controller.ResidentMiB:0} MiB, {tally.Misplaced} misplaced so far");
                string id = await BeginAsync(controller, $"r{round}", candidate, HollowModel.Staged, limit.Token);
                Task harm = HarmAsync(controller, fault, TimeSpan.FromSeconds(10 * random.NextDouble()), tally, limit.Token);
                serving = await TellAsync(controller, story, id, candidate, serving, TimeSpan.FromSeconds(10 * random.NextDouble()), tally, limit.Token);
                await harm;
                tally.Misplaced += await MisplacedAsync(controller, serving, limit.Token);
                tally.Rounds++;
                (early, late) = round == 2 ? (controller.ResidentMiB, late) : round == QuietRounds ? (early, controller.ResidentMiB) : (early, late);
                await fleet.RequireRunningAsync();
            }
            string source = $"{Devices} hollow agents, seed {Seed}, {Stopwatch.GetElapsedTime(began).TotalMinutes:0} min";
            return
            [
                new("devices that were not where a round left them", tally.Misplaced, "devices", "<= 0", tally.Misplaced == 0, $"over all rounds; {source}"),
                new("rounds", tally.Rounds, "", null, true, $"{tally.Completed} rollouts completed, {tally.Aborted} aborted, {tally.RolledBack} rolled back by an operator"),
                new("kill -9 of the controller / of its broker", tally.ControllerKills, "kills", null, true, $"and {tally.BrokerKills} of the broker, at moments of chance"),
                new("controller's memory, last quiet round over the second", late / early, "", "<= 1.25", late <= 1.25 * early, $"{early:0} MiB after round 2, {late:0} MiB after round {QuietRounds}, no kill between them"),
                new("database after all rounds, per rollout", controller.StoreMiB / Math.Max(1, tally.Rounds), "MiB", null, true, $"store.db has {controller.StoreMiB:0.0} MiB; {source}"),
            ];
        }
        finally
        {
            await fleet.DisposeAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private enum Story { Complete, Abort, RollBack }

    private enum Fault { None, Controller, Broker, Both }

    private sealed class Tally
    {
        public int Rounds { get; set; }
        public int Misplaced { get; set; }
        public int Completed { get; set; }
        public int Aborted { get; set; }
        public int RolledBack { get; set; }
        public int ControllerKills { get; set; }
        public int BrokerKills { get; set; }
    }

    /// <summary>What happens to the rollout, and the digest that every device serves afterwards.</summary>
    private static async Task<Digest> TellAsync(
        ControllerProcess controller, Story story, string id, Digest candidate, Digest before, TimeSpan moment, Tally tally, CancellationToken cancellationToken)
    {
        if (story == Story.Complete)
        {
            string end = await EndAsync(controller, id, cancellationToken);
            tally.Completed += end == "completed" ? 1 : 0;
            return end == "completed" ? candidate : throw new InvalidOperationException($"rollout {id} ended as {end}");
        }
        await Task.Delay(moment, cancellationToken);
        if (story == Story.Abort)
        {
            // One that was over already is taken back by name instead.
            JsonNode rollout = await AgainAsync(() => controller.GetAsync($"rollouts/{id}", cancellationToken), cancellationToken);
            if (!IsEnd(rollout["state"]!.GetValue<string>()))
            {
                try
                {
                    await AgainAsync(() => controller.PostAsync($"rollouts/{id}/abort", new JsonObject { ["reason"] = "soak" }, cancellationToken), cancellationToken);
                }
                catch (InvalidOperationException)
                {
                    // It ended between the two.
                }
            }
            string end = await EndAsync(controller, id, cancellationToken);
            if (end != "completed")
            {
                tally.Aborted++;
                return before;
            }
        }
        await AgainAsync(
            () => controller.PostAsync("rollbacks", new JsonObject { ["model"] = HollowModel.Name, ["from"] = candidate.ToString(), ["reason"] = "soak" }, cancellationToken), cancellationToken);
        await EndAsync(controller, id, cancellationToken);
        tally.RolledBack++;
        return before;
    }

    private static async Task HarmAsync(ControllerProcess controller, Fault fault, TimeSpan moment, Tally tally, CancellationToken cancellationToken)
    {
        await Task.Delay(moment, cancellationToken);
        if (fault is Fault.Broker or Fault.Both)
        {
            await controller.KillBrokerAsync();
            tally.BrokerKills++;
        }
        if (fault is Fault.Controller or Fault.Both)
        {
            await controller.KillAndStartAsync();
            tally.ControllerKills++;
        }
    }

    private static async Task<string> BeginAsync(ControllerProcess controller, string name, Digest candidate, string strategy, CancellationToken cancellationToken) =>
        (await AgainAsync(() => controller.PostYamlAsync("rollouts", HollowModel.Rollout(name, candidate, strategy), cancellationToken), cancellationToken))["id"]!.GetValue<string>();

    private static async Task<string> EndAsync(ControllerProcess controller, string id, CancellationToken cancellationToken)
    {
        while (true)
        {
            JsonNode rollout = await AgainAsync(() => controller.GetAsync($"rollouts/{id}", cancellationToken), cancellationToken);
            string state = rollout["state"]!.GetValue<string>();
            if (IsEnd(state))
            {
                return state;
            }
            await Task.Delay(200, cancellationToken);
        }
    }

    private static bool IsEnd(string state) => state is not ("pending" or "running" or "rollingBack");

    /// <summary>Devices that say of themselves, once everything has had its time, that they serve another digest.</summary>
    private static async Task<int> MisplacedAsync(ControllerProcess controller, Digest expected, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            JsonNode devices = await AgainAsync(() => controller.GetAsync("devices?limit=1000", cancellationToken), cancellationToken);
            int right = devices.AsArray().Count(device => device!["models"]?[HollowModel.Name]?["active"]?.GetValue<string>() == expected.ToString());
            if (right == Devices || Stopwatch.GetElapsedTime(began) > s_settle)
            {
                return Devices - right;
            }
            await Task.Delay(250, cancellationToken);
        }
    }

    /// <summary>A controller that is being started again does not answer; what it refuses is not asked again.</summary>
    private static async Task<JsonNode> AgainAsync(Func<Task<JsonNode>> ask, CancellationToken cancellationToken)
    {
        long began = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception ex) when (ex is HttpRequestException or ObjectDisposedException or IOException or OperationCanceledException
                && !cancellationToken.IsCancellationRequested && Stopwatch.GetElapsedTime(began) < s_settle)
            {
                // The client goes with the controller that was killed, and with it what it had asked.
                await Task.Delay(100, cancellationToken);
            }
        }
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Reporting;

namespace EdgeFleet.Demo.Parts;

/// <summary>kill -9 of the controller in the middle of a stage, of an agent in the middle of an activation, of an agent while its runner serves.</summary>
internal static class FaultPart
{
    public static Part Create() => new(6, "kill -9: the controller, an agent that activates, an agent whose runner serves", "all come back, the rollout ends as it should, and no request of any application failed");

    public static async Task RunAsync(Part part, LocalFleet fleet, Report report, CancellationToken cancellationToken)
    {
        string candidate = await GoodCandidate.PublishAsync(fleet, "final", "int8-per-tensor.yaml", cancellationToken);
        (long okBefore, long failedBefore) = fleet.Requests();

        string rollout = await fleet.ApplyAsync(LocalFleet.RetrainedFile, "fashion-final", candidate, cancellationToken);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(120));

        // The controller, while devices are in the middle of the shadow stage.
        LocalDevice witness = fleet.Devices[0];
        await witness.WaitForPhaseAsync(candidate, phase => phase is "Shadowing" or "Refused", patience.Token);
        int controllerPid = fleet.Controller.KillNow();
        report.Say($"kill -9 controller (pid {controllerPid}) while {witness.Id} is shadowing");

        // An agent whose runner goes on serving.
        LocalDevice serving = fleet.Devices[^1];
        int servingPid = serving.Run!.KillNow();
        report.Say($"kill -9 {serving.Id} run (pid {servingPid}); its runner serves on");

        // Whichever device activates first.
        using CancellationTokenSource first = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        Task<LocalDevice>[] waiting = [.. fleet.Devices.Where(device => device != serving).Select(device => ActivatesAsync(device, candidate, first.Token))];
        Task<RolloutStatus> following = fleet.FollowAsync(rollout, TimeSpan.FromSeconds(150), cancellationToken);
        Task done = await Task.WhenAny([.. waiting, following]);
        LocalDevice? activating = done is Task<LocalDevice> winner ? await winner : null;
        await first.CancelAsync();
        await Task.WhenAll(waiting.Select(task => task.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)));
        if (activating is not null)
        {
            report.Say($"{activating.Id} was killed while its record said Activating");
        }

        RolloutStatus status = await following;
        part.Expect(controllerPid != 0 && fleet.Controller.Restarts > 0, "the controller was not killed");
        part.Expect(servingPid != 0 && serving.Run.Restarts > 0, "the serving device's agent was not killed");
        part.Expect(activating is not null, "no agent could be killed in the middle of an activation");
        part.Expect(status.State == "completed", $"the rollout ended as {status.State}: {status.Reason}");

        (long ok, long failed) = fleet.Requests();
        IReadOnlyList<JsonNode> after = await fleet.DeviceListAsync(cancellationToken);
        int online = after.Count(device => device["online"]?.GetValue<bool>() == true);
        int onCandidate = after.Count(device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() == candidate);
        int refused = status.Devices.Count(device => device.Phase == "refused");
        part.Expect(online == fleet.Devices.Count, $"{online} of {fleet.Devices.Count} devices are on line");
        part.Expect(onCandidate + refused == fleet.Devices.Count, $"{onCandidate} serve the candidate, {refused} refused it");
        part.Expect(failed == 0, $"{failed} requests failed in the whole demo ({failedBefore} before this part)");
        part.Expect(ok > okBefore, "no request was answered during this part");
        part.Measured("requests answered in the whole demo", ok, "requests", "counted by the applications");
        part.Measured("requests failed in the whole demo", failed, "requests", "counted by the applications");
        part.Measured("requests answered during this part", ok - okBefore, "requests", "counted by the applications");
        part.Measured("devices on line afterwards", online, "devices", "controller");
        part.Seen = string.Create(CultureInfo.InvariantCulture,
            $"controller and 2 agents were killed and came back; the rollout ended as {status.State}; {onCandidate} devices serve the candidate, {refused} refused; {failed} of {ok + failed} requests failed");
    }

    /// <summary>Ends when the device's record says that it is activating and its agent has been killed at that moment.</summary>
    private static async Task<LocalDevice> ActivatesAsync(LocalDevice device, string candidate, CancellationToken cancellationToken)
    {
        await device.WaitForPhaseAsync(candidate, phase => phase is "Activating", cancellationToken);
        device.Run!.KillNow();
        return device;
    }
}

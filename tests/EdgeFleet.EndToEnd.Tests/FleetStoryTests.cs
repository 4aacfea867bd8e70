using System.Text.Json.Nodes;
using EdgeFleet.Demo.Fleet;
using EdgeFleet.Demo.Processes;
using Xunit.Abstractions;

namespace EdgeFleet.EndToEnd.Tests;

/// <summary>Real processes: controller, mosquitto, agents, runners, applications, and the command line as a person uses it.</summary>
public sealed class FleetStoryTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromMinutes(6));
    private readonly string _root = Directory.CreateTempSubdirectory("edgefleet-e2e-").FullName;
    private LocalFleet? _fleet;

    private LocalFleet Fleet => _fleet ?? throw new InvalidOperationException("no fleet was started");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_fleet is not null)
        {
            await _fleet.DisposeAsync();
        }
        _stop.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_rollout_ends_as_it_should_although_controller_broker_and_agent_are_killed_in_its_middle_and_no_request_fails()
    {
        await StartAsync(devices: 3);
        string baseline = await InstallAsync();
        string candidate = await Fleet.PublishAsync("same", Path.Combine(Fleet.Layout.Example, "fashion_resnet8.onnx"), await EvidenceOfItselfAsync(), baseline, _stop.Token);

        string rollout = await Fleet.ApplyAsync(LocalFleet.RolloutFile, "story", candidate, _stop.Token);
        LocalDevice first = Fleet.Devices[0];
        await first.WaitForPhaseAsync(candidate, phase => phase is "Benchmarked" or "Shadowing", _stop.Token);
        KillBroker();
        Fleet.Controller.KillNow();
        await first.WaitForPhaseAsync(candidate, phase => phase is "Shadowing", _stop.Token);
        Fleet.Devices[1].Run!.KillNow();
        RolloutStatus status = await Fleet.FollowAsync(rollout, s_limit, _stop.Token);

        Assert.Equal("completed", status.State);
        Assert.True(Fleet.Controller.Restarts >= 1, "the controller was not killed: the rig proves nothing");
        Assert.All(await ActiveAsync(), pair => Assert.Equal(candidate, pair.Value));
        (long ok, long failed) = Fleet.Requests();
        Assert.True(ok > 0);
        Assert.Equal(0, failed);
    }

    [Fact]
    public async Task Rollback_reports_a_device_that_is_off_line_and_takes_it_back_when_it_returns()
    {
        await StartAsync(devices: 2);
        string baseline = await InstallAsync();
        string candidate = await Fleet.PublishAsync("same", Path.Combine(Fleet.Layout.Example, "fashion_resnet8.onnx"), await EvidenceOfItselfAsync(), baseline, _stop.Token);
        RolloutStatus status = await Fleet.FollowAsync(await Fleet.ApplyAsync(LocalFleet.RolloutFile, "story", candidate, _stop.Token), s_limit, _stop.Token);
        Assert.Equal("completed", status.State);

        LocalDevice away = Fleet.Devices[1];
        await away.StopRunAsync();
        await LocalFleet.WaitForAsync("the controller sees that a device is away", s_limit, async () =>
            (await Fleet.DeviceListAsync(_stop.Token)).Count(device => device["online"]!.GetValue<bool>()) == 1, _stop.Token);
        CommandResult rollback = await Fleet.Commands.RunAsync(["rollback", LocalFleet.Model], _stop.Token);

        Assert.Equal(1, rollback.ExitCode);
        JsonNode remaining = Assert.Single(JsonNode.Parse(rollback.Output)!["devices"]!.AsArray(), device => device!["state"]!.ToString() != "done")!;
        Assert.Equal(away.Id, remaining["id"]!.ToString());
        Assert.Equal("offline", remaining["state"]!.ToString());

        away.StartRun(Fleet.Lease);
        await LocalFleet.WaitForAsync("the returning device goes back", s_limit, async () => (await ActiveAsync()).Values.All(active => active == baseline), _stop.Token);
        Dictionary<string, string> before = await ActiveAsync();
        CommandResult twice = await Fleet.Commands.RunAsync(["rollback", LocalFleet.Model, "--from", candidate], _stop.Token);
        Assert.Equal(0, twice.ExitCode);
        Assert.Equal(before, await ActiveAsync());
        Assert.Equal(0, Fleet.Requests().Failed);
    }

    private async Task StartAsync(int devices)
    {
        _fleet = new LocalFleet(Layout.Find(_root), devices, output.WriteLine, output.WriteLine);
        await _fleet.StartAndEnrollAsync(_stop.Token);
    }

    private async Task<string> InstallAsync()
    {
        string baseline = await Fleet.PublishAsync("baseline", Path.Combine(Fleet.Layout.Example, "fashion_resnet8.onnx"), null, null, _stop.Token);
        RolloutStatus status = await Fleet.FollowAsync(await Fleet.ApplyAsync(LocalFleet.InstallFile, "install", baseline, _stop.Token), s_limit, _stop.Token);
        Assert.Equal("completed", status.State);
        await Fleet.StartApplicationsAsync(requestsPerSecond: 20, _stop.Token);
        return baseline;
    }

    /// <summary>Evidence of the baseline against itself: true, and it passes.</summary>
    private async Task<string> EvidenceOfItselfAsync()
    {
        string model = Path.Combine(Fleet.Layout.Example, "fashion_resnet8.onnx");
        string evidence = Path.Combine(Fleet.Layout.Work, "evidence.json");
        (await Fleet.Commands.RunAsync(
            ["evaluate", "--baseline", model, "--candidate", model, "--suite", Path.Combine(Fleet.Layout.Example, "suite.yaml"),
             "--data", Path.Combine(Fleet.Layout.Example, "dataset.yaml"), "--out", evidence], _stop.Token)).Json("evaluate");
        return evidence;
    }

    private async Task<Dictionary<string, string>> ActiveAsync() => (await Fleet.DeviceListAsync(_stop.Token))
        .ToDictionary(device => device["id"]!.ToString(), device => device["models"]?[LocalFleet.Model]?["active"]?.ToString() ?? "");

    private void KillBroker()
    {
        (string _, int pid) = Assert.Single(Fleet.Processes, process => process.Name == "mosquitto");
        using System.Diagnostics.Process broker = System.Diagnostics.Process.GetProcessById(pid);
        broker.Kill();
    }
}

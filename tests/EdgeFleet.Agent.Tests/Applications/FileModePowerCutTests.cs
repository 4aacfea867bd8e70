using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Agent.Tests.Applications;

/// <summary>
/// The end of the agent before every change of the disk while a model in file mode goes one way: after each the application has
/// whole files where it looks, and in the end it was told of those that are active.
/// </summary>
public sealed class FileModePowerCutTests
{
    private readonly TestArtifacts _artifacts = new();
    private readonly Digest _baseline;
    private readonly Digest _candidate;
    private SimulatedDisk _start = new();

    public FileModePowerCutTests()
    {
        _baseline = _artifacts.Publish("fashion", "fp32");
        _candidate = _artifacts.Publish("fashion", "int8");
    }

    public static TheoryData<string, PowerCutLoss> Cuts
    {
        get
        {
            TheoryData<string, PowerCutLoss> cuts = [];
            foreach (string way in new[] { "rollout", "rollback", "failing hook", "harm" })
            {
                foreach (PowerCutLoss loss in Enum.GetValues<PowerCutLoss>())
                {
                    cuts.Add(way, loss);
                }
            }
            return cuts;
        }
    }

    [Theory, MemberData(nameof(Cuts))]
    public async Task A_cut_between_swap_and_hook_or_anywhere_else_ends_with_the_application_on_what_is_active(string way, PowerCutLoss loss)
    {
        await PrepareAsync(way);
        SimulatedDisk whole = NewDisk();
        await RunToEndAsync(whole, NewApplication(way, whole), way);
        int steps = whole.Operations.Count;
        Assert.True(steps > 10, $"{way} changes the disk {steps} times; that is no journey");

        List<string> faults = [];
        for (int cut = 1; cut <= steps; cut++)
        {
            if (await CutAndResumeAsync(way, cut, loss) is { } fault)
            {
                faults.Add($"cut {cut} of {steps}: {fault}");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(10)));
    }

    [Fact]
    public async Task A_hook_that_was_under_way_is_run_again_and_a_device_that_believed_it_done_would_be_found()
    {
        // The negative control: the same cut, with a record on the disk that says the hook had ended well.
        await PrepareAsync("rollout");
        bool found = false;
        int steps = await StepsAsync("rollout");
        for (int cut = 1; cut <= steps && !found; cut++)
        {
            SimulatedDisk disk = NewDisk();
            disk.CutBefore = cut;
            ScriptedApplication application = NewApplication("rollout", disk);
            await Assert.ThrowsAsync<PowerCutException>(() => RunToEndAsync(disk, application, "rollout"));
            SimulatedDisk survivor = disk.AfterPowerCut(PowerCutLoss.Nothing);
            StateFolder state = new(DeviceRig.Root, survivor);
            HookRecord? told = StateFile.Read(survivor, state.HookRecord("fashion"), FileModeJsonContext.Default.HookRecord, record => record.SchemaVersion, 1, static (_, _) => { });
            if (told is { Done: false } && application.Loaded == _baseline)
            {
                StateFile.Write(survivor, state.HookRecord("fashion"), told with { Done = true }, FileModeJsonContext.Default.HookRecord);
                ScriptedApplication.PutIntoFileMode(survivor, silentSeconds: 60);
                DeploymentRecord end = await RunToEndAsync(survivor, application, "rollout");
                found = application.Loaded != _candidate || end.Phase != DeploymentPhase.Committed;
            }
        }
        Assert.True(found, "no cut lay between the swap and the hook's end");
    }

    private DesiredDeployment Wish(string way) => way == "rollback" ? Wanted.Rollback(_baseline) : Wanted.Staged(_candidate, DeploymentGoal.Active, "r9");

    private async Task PrepareAsync(string way)
    {
        ScriptedApplication.PutIntoFileMode(_start);
        await StepAsync(Wanted.Install(_baseline));
        if (way == "rollback")
        {
            await StepAsync(Wanted.Staged(_candidate, DeploymentGoal.Active));
        }
    }

    private async Task StepAsync(DesiredDeployment wish)
    {
        SimulatedDisk disk = NewDisk();
        ScriptedApplication application = NewApplication("rollout", disk);
        await RunToEndAsync(disk, application, wish);
        _start = disk;
    }

    private async Task<int> StepsAsync(string way)
    {
        SimulatedDisk disk = NewDisk();
        await RunToEndAsync(disk, NewApplication(way, disk), way);
        return disk.Operations.Count;
    }

    private SimulatedDisk NewDisk() => _start.AfterPowerCut(PowerCutLoss.Nothing);

    private ScriptedApplication NewApplication(string way, SimulatedDisk disk)
    {
        ScriptedApplication application = new();
        if (way == "failing hook")
        {
            application.Hook = digest => digest == _candidate ? new HookResult.Failed("exit code 1") : new HookResult.Done();
        }
        if (way == "harm")
        {
            application.Says = digest => ScriptedApplication.Healthy with { NonFinite = digest == _candidate ? 1 : 0 };
        }
        application.Restart(disk);
        return application;
    }

    private async Task<string?> CutAndResumeAsync(string way, int cut, PowerCutLoss loss)
    {
        SimulatedDisk disk = NewDisk();
        disk.CutBefore = cut;
        ScriptedApplication application = NewApplication(way, disk);
        try
        {
            await RunToEndAsync(disk, application, way);
            return "the power was never cut";
        }
        catch (PowerCutException)
        {
            // What is looked at.
        }
        string where = $"after {string.Join(", ", disk.Operations.TakeLast(2))}";
        SimulatedDisk survivor = disk.AfterPowerCut(loss);
        if (survivor.ReadLink($"{DeviceRig.Root}/models/fashion/current") is not { } target
            || survivor.Length($"{DeviceRig.Root}/artifacts/{target.Split('/')[^2]}/files/model.onnx") != 3000)
        {
            return $"{where}: the application has nothing to load";
        }
        if (loss != PowerCutLoss.Nothing)
        {
            application.Restart(survivor);
        }
        (DeploymentPhase phase, Digest expected) = way switch
        {
            "rollout" => (DeploymentPhase.Committed, _candidate),
            "rollback" => (DeploymentPhase.Committed, _baseline),
            _ => (DeploymentPhase.FailedRolledBack, _baseline),
        };
        try
        {
            DeploymentRecord end = await RunToEndAsync(survivor, application, way);
            string code = way switch { "failing hook" => FailureCodes.HookFailed, "harm" => FailureCodes.NonFinite, _ => "" };
            return end.Phase != phase || end.Code != code || application.Loaded != expected
                ? $"{where}: it ended {end.Phase} ({end.Code} {end.Detail}) with {application.Loaded?.Short ?? "nothing"} loaded"
                : null;
        }
        catch (TimeoutException)
        {
            return $"{where}: it never ended";
        }
    }

    private Task<DeploymentRecord> RunToEndAsync(SimulatedDisk disk, ScriptedApplication application, string way) => RunToEndAsync(disk, application, Wish(way));

    private async Task<DeploymentRecord> RunToEndAsync(SimulatedDisk disk, ScriptedApplication application, DesiredDeployment wish)
    {
        DeviceRig? rig = null;
        try
        {
            rig = new DeviceRig(disk, _artifacts, new FakeRunner(disk, DeviceRig.Root) { AwayForCalls = int.MaxValue }, new FakeTrials(), hooks: application);
            if (rig.Desired.Find("fashion") != wish)
            {
                rig.Want(wish);
            }
            await rig.UntilAsync(now => now.Record() is { Ended: true } record && record.IsFor(wish) && now.IsSettled());
            return rig.Record()!;
        }
        finally
        {
            if (rig is not null)
            {
                await rig.StopAsync();
                rig.Dispose();
            }
        }
    }
}

using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Linux.Files;
using EdgeFleet.Protocol;
using EdgeFleet.Testing.Files;

namespace EdgeFleet.Agent.Tests.Deployments;

/// <summary>
/// The end of the agent before every single change of the disk, in each kind of loss: none is sampled. After each the device
/// starts again, and has to have a model to serve before the agent has done anything, and to end as it should.
/// </summary>
public sealed class PowerCutTests
{
    private const string Model = "fashion";

    public static TheoryData<string, PowerCutLoss> Cuts
    {
        get
        {
            TheoryData<string, PowerCutLoss> cuts = [];
            foreach (string journey in Journey.Names)
            {
                foreach (PowerCutLoss loss in Enum.GetValues<PowerCutLoss>())
                {
                    cuts.Add(journey, loss);
                }
            }
            return cuts;
        }
    }

    [Theory, MemberData(nameof(Cuts))]
    public async Task A_cut_before_any_change_of_the_disk_still_ends_as_it_should(string name, PowerCutLoss loss)
    {
        Journey journey = await Journey.PrepareAsync(name);
        int steps = (await journey.RunAsync(journey.NewDisk(), cutBefore: null, flushed: true)).Steps;
        Assert.True(steps > 10, $"{name} changes the disk {steps} times; that is no journey");

        List<string> faults = [];
        for (int cut = 1; cut <= steps; cut++)
        {
            if (await journey.CutAndResumeAsync(cut, loss, flushed: true) is { } fault)
            {
                faults.Add($"cut {cut} of {steps}: {fault}");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(10)));
    }

    [Theory, InlineData("install"), InlineData("rollout"), InlineData("rollback")]
    public async Task Without_flushes_the_same_cuts_lose_a_device(string name)
    {
        // The negative control: a rig that cannot fail would prove nothing.
        Journey journey = await Journey.PrepareAsync(name);
        SimulatedDisk disk = journey.NewDisk();
        int steps = (await journey.RunAsync(disk, cutBefore: null, flushed: false)).Steps;

        int faults = 0;
        for (int cut = 1; cut <= steps; cut++)
        {
            faults += await journey.CutAndResumeAsync(cut, PowerCutLoss.Content, flushed: false) is null ? 0 : 1;
        }
        Assert.True(faults > 0, $"{name}: {steps} cuts without a single flush did no harm");
    }

    /// <summary>One way from a prepared disk to an end.</summary>
    private sealed class Journey
    {
        public static readonly string[] Names = ["install", "rollout", "rollback", "failed probation", "overtaken install"];
        private readonly string _name;
        private readonly TestArtifacts _artifacts = new();
        private readonly Digest _baseline;
        private readonly Digest _candidate;
        private SimulatedDisk _start = new();

        private Journey(string name)
        {
            _name = name;
            _baseline = _artifacts.Publish(Model, "fp32");
            _candidate = _artifacts.Publish(Model, "int8");
        }

        private bool Provisioned => _name != "install";

        private Digest Expected => _name is "rollout" or "overtaken install" ? _candidate : _baseline;

        private DesiredDeployment Wish => _name switch
        {
            "install" => Wanted.Install(_baseline),
            "rollback" => Wanted.Rollback(_baseline),
            _ => Wanted.Staged(_candidate, DeploymentGoal.Active, "r9"),
        };

        private DeploymentPhase End => _name == "failed probation" ? DeploymentPhase.FailedRolledBack : DeploymentPhase.Committed;

        public static async Task<Journey> PrepareAsync(string name)
        {
            Journey journey = new(name);
            if (name == "overtaken install")
            {
                await journey.InstallToProbationAsync();
            }
            else if (journey.Provisioned)
            {
                await journey.StepAsync(Wanted.Install(journey._baseline));
            }
            if (name == "rollback")
            {
                await journey.StepAsync(Wanted.Staged(journey._candidate, DeploymentGoal.Active));
            }
            return journey;
        }

        /// <summary>The prepared disk, as it is after everything on it was flushed.</summary>
        public SimulatedDisk NewDisk() => _start.AfterPowerCut(PowerCutLoss.Nothing);

        public async Task<(int Steps, FakeRunner Runner, bool Cut)> RunAsync(SimulatedDisk disk, int? cutBefore, bool flushed)
        {
            FakeRunner runner = NewRunner(disk);
            disk.CutBefore = cutBefore;
            bool cut = false;
            try
            {
                await RunToEndAsync(disk, runner, flushed);
            }
            catch (PowerCutException)
            {
                cut = true;
            }
            return (disk.Operations.Count, runner, cut);
        }

        /// <summary>Null: all is well. Else what went wrong.</summary>
        public async Task<string?> CutAndResumeAsync(int cut, PowerCutLoss loss, bool flushed)
        {
            SimulatedDisk disk = NewDisk();
            (_, FakeRunner runner, bool wasCut) = await RunAsync(disk, cut, flushed);
            if (!wasCut)
            {
                return "the power was never cut";
            }
            string[] operations = [.. disk.Operations.TakeLast(2)];
            SimulatedDisk survivor = disk.AfterPowerCut(loss);
            if (loss == PowerCutLoss.Nothing)
            {
                runner.SwitchDisk(survivor);
            }
            else
            {
                runner.Restart(survivor);
            }
            string where = $"after {string.Join(", ", operations)}";
            if (Provisioned && runner.Serving(Model) is null)
            {
                return $"{where}: the device has no model to serve";
            }
            try
            {
                DeploymentRecord end = await RunToEndAsync(survivor, runner, flushed: true);
                return end.Phase != End || runner.Serving(Model) != Expected
                    ? $"{where}: it ended {end.Phase} ({end.Code} {end.Detail}) serving {runner.Serving(Model)?.Short ?? "nothing"}"
                    : null;
            }
            catch (TimeoutException)
            {
                return $"{where}: it never ended, or its end was never reported";
            }
            catch (Exception ex) when (ex is IOException or FormatException or InvalidOperationException)
            {
                return $"{where}: {ex.GetType().Name}: {ex.Message}";
            }
        }

        private async Task StepAsync(DesiredDeployment wish)
        {
            SimulatedDisk disk = NewDisk();
            using DeviceRig rig = new(disk, _artifacts, NewRunner(disk), NewTrials());
            rig.Want(wish);
            await rig.UntilEndAsync(wish.Digest);
            Assert.Equal(DeploymentPhase.Committed, rig.Record()!.Phase);
            await rig.StopAsync();
            _start = disk;
        }

        /// <summary>A first install whose probation is not over: nothing is golden, and nothing was there before.</summary>
        private async Task InstallToProbationAsync()
        {
            SimulatedDisk disk = NewDisk();
            using DeviceRig rig = new(disk, _artifacts, NewRunner(disk), NewTrials());
            rig.Want(Wanted.Install(_baseline) with { Plan = new TrialPlan { Install = true, ProbationSeconds = int.MaxValue } });
            await rig.UntilPhaseAsync(DeploymentPhase.Probation);
            await rig.StopAsync();
            _start = disk;
        }

        /// <summary>Ends when the end is in the outbox too and nothing more will be written: each run makes the same changes.</summary>
        private async Task<DeploymentRecord> RunToEndAsync(SimulatedDisk disk, FakeRunner runner, bool flushed)
        {
            DeviceRig? rig = null;
            try
            {
                rig = new DeviceRig(flushed ? disk : new UnflushedFileStore(disk), _artifacts, runner, NewTrials());
                if (rig.Desired.Find(Model) != Wish)
                {
                    // The controller says it again on each connect until the device knows it.
                    rig.Want(Wish);
                }
                await rig.UntilAsync(now => now.Record() is { Ended: true } record && record.IsFor(Wish) && now.IsSettled(Model)
                    && now.Reports.Any(report => report.Digest == record.Digest.ToString() && report.Phase == PhaseMapping.ToWire(record.Phase)));
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

        private FakeRunner NewRunner(SimulatedDisk disk)
        {
            FakeRunner runner = new(disk, DeviceRig.Root);
            if (_name == "failed probation")
            {
                runner.Count = (digest, model) => digest == _candidate ? model with { Requests = 9, NonFinite = 1 } : model;
            }
            runner.Restart(disk);
            return runner;
        }

        private static FakeTrials NewTrials() => new();
    }
}

using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;
using EdgeFleet.Linux.Files;
using EdgeFleet.Onnx.Scanning;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>
/// One process of an agent without its link: the engine, the stores and the outbox on a disk that may be cut. What it is
/// told to be goes through the same store as what a controller says.
/// </summary>
internal sealed class DeviceRig : IDeviceFacts, IModelInspector, IDisposable
{
    public const string Root = "/state";
    public static readonly HardwareFacts Hardware = new("test-board", 4096, "default", "onnxruntime-1.29.0", "cpu", 1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<(Func<DeviceRig, bool> Condition, TaskCompletionSource Met)> _waiting = [];
    private readonly HashSet<string> _settled = [];
    private Task? _running;

    public DeviceRig(IFileStore disk, TestArtifacts artifacts, FakeRunner runner, FakeTrials trials, TimeProvider? time = null, DeploymentOptions? options = null, IHooks? hooks = null, BusyLocks? busy = null)
    {
        Time = time ?? new ImpatientTime();
        State = new StateFolder(Root, disk);
        State.Prepare();
        Runner = runner;
        Desired = new DesiredStore(State, NullLogger<DesiredStore>.Instance);
        Slots = new SlotTable(State, Time, NullLogger<SlotTable>.Instance);
        Topics topics = new("default", "device-1");
        Outbox = Outbox.Open(disk, State.Outbox, topics.Event("gap"), new OutboxOptions(), Time, NullLogger<Outbox>.Instance);
        Clock = new FleetClock(Time);
        // Looked at beside the engine, which alone may put a damaged file aside.
        Files = new DeploymentFiles(new StateFolder(Root, new ReadOnlyFileStore(disk)), NullLogger<DeploymentFiles>.Instance);
        Writer = new ReportWriter(Outbox, topics, Slots, this, () => Desired.Generation, new Dictionary<string, string>(), Time, NullLogger<ReportWriter>.Instance);
        Health = new HealthBoard(Time);
        Applications = new ApplicationRunner(State, Slots, hooks ?? new ProcessHooks(Time), Health, Time, NullLogger<ApplicationRunner>.Instance);
        (hooks as ScriptedApplication)?.Attach(Health);
        Engine = new DeploymentEngine(
            new DeploymentServices
            {
                State = State,
                Slots = Slots,
                Files = new DeploymentFiles(State, NullLogger<DeploymentFiles>.Instance),
                Store = new ArtifactStore(State, TestArtifacts.Keys, NullLogger<ArtifactStore>.Instance),
                Source = artifacts,
                Inspector = this,
                Trials = trials,
                Runners = new ModelRunners(runner, Applications),
                Facts = this,
                Reports = Writer,
                Busy = busy,
                Options = options ?? Patient,
                Time = Time,
            },
            Desired,
            new ContentCollector(State, Slots, NullLogger<ContentCollector>.Instance),
            Clock,
            NullLogger<DeploymentEngine>.Instance);
        Engine.PhaseSaved += record => Look(() => _settled.Remove(record.Model));
        Engine.ModelSettled += model => Look(() => _settled.Add(model));
    }

    /// <summary>Watches never look by themselves, and loading takes no time.</summary>
    public static DeploymentOptions Patient { get; } = new()
    {
        RunnerWatch = TimeSpan.FromDays(30),
        RequestWatch = Timeout.InfiniteTimeSpan,
        ActivationTimeout = TimeSpan.FromDays(30),
        ReserveBytes = 1 << 20,
    };

    public TimeProvider Time { get; }
    public StateFolder State { get; }
    public FakeRunner Runner { get; }
    /// <summary>The models in file mode, and what their applications say.</summary>
    public ApplicationRunner Applications { get; }
    public HealthBoard Health { get; }
    public DesiredStore Desired { get; }
    public SlotTable Slots { get; }
    public Outbox Outbox { get; }
    public ReportWriter Writer { get; }
    public DeploymentFiles Files { get; }
    public DeploymentEngine Engine { get; }
    public FleetClock Clock { get; }

    /// <summary>What a scan says; the manifest's own contract where a test sets nothing.</summary>
    public Func<string, ArtifactManifest, ScanResult> Scan { get; set; } = static (_, manifest) => Accepted(manifest.Contract);

    public static ScanResult Accepted(ModelContract contract) => new ScanResult.Accepted(new ModelSummary(
        0, 0, 1, 1, 0, 8, System.Collections.Immutable.ImmutableSortedDictionary<string, long>.Empty, [], contract));

    /// <summary>What this device is, as it says itself.</summary>
    public HardwareFacts Now { get; set; } = Hardware;

    public HardwareFacts Read() => Now;

    public ScanResult Inspect(string folder, ArtifactManifest manifest) => Scan(folder, manifest);

    /// <summary>The engine has nothing to do for the model: whatever a phase led to is on the disk too.</summary>
    public bool IsSettled(string model = "fashion")
    {
        lock (_gate)
        {
            return _settled.Contains(model);
        }
    }

    public void Start() => _running = Engine.RunAsync(_stop.Token);

    /// <summary>As the stream would: stored first, acted on then.</summary>
    public void Want(params DesiredDeployment[] models)
    {
        DesiredState state = new(Desired.Generation + 1, 1, models.ToDictionary(model => model.Model));
        Engine.DesiredChanged(Desired.Accept(state));
    }

    /// <summary>The record on disk; null also while a damaged one waits for the engine to put it aside.</summary>
    public DeploymentRecord? Record(string model = "fashion")
    {
        try
        {
            return Files.Load(model);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Runs until the condition holds after a saved phase, or until the process dies.</summary>
    public async Task UntilAsync(Func<DeviceRig, bool> condition)
    {
        TaskCompletionSource met = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            _waiting.Add((condition, met));
        }
        if (_running is null)
        {
            Start();
        }
        Look(static () => { });
        Task first = await Task.WhenAny(met.Task, _running!).WaitAsync(s_patience);
        await first;
        Assert.True(met.Task.IsCompletedSuccessfully, "the engine ended before the condition held");
    }

    /// <summary>Until what no phase announces.</summary>
    public async Task EventuallyAsync(Func<DeviceRig, bool> condition)
    {
        using CancellationTokenSource limit = new(s_patience);
        while (!condition(this))
        {
            Assert.False(_running?.IsCompleted == true, "the engine ended before the condition held");
            Assert.False(limit.IsCancellationRequested, "it never came");
            await Task.Yield();
        }
    }

    public Task UntilPhaseAsync(DeploymentPhase phase, string model = "fashion") => UntilAsync(rig => rig.Record(model)?.Phase == phase);

    public Task UntilEndAsync(Digest digest, string model = "fashion") =>
        UntilAsync(rig => rig.Record(model) is { Ended: true } record && record.Digest == digest);

    /// <summary>Every deployment report in the outbox, in order.</summary>
    public IReadOnlyList<Wire.DeploymentReport> Reports => Read("/deployment/", Wire.DeploymentReport.Parser);

    public IReadOnlyList<Wire.Reported> ReportedStates => Read("/reported", Wire.Reported.Parser);

    public IReadOnlyList<Wire.EventReport> Events => Read("/event/", Wire.EventReport.Parser);

    public IReadOnlyList<Wire.ShadowReport> ShadowReports => Read("/shadow/", Wire.ShadowReport.Parser);

    public IReadOnlyList<Wire.BenchReport> BenchReports => Read("/bench/", Wire.BenchReport.Parser);

    /// <summary>The agent is told to end, as by a service manager.</summary>
    public async Task EndAsync()
    {
        await StopAsync();
        Engine.EndedInOrder();
    }

    /// <summary>The process is over; nothing of it says so.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        if (_running is not null)
        {
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await Engine.WaitForWorkersAsync();
    }

    public void Dispose()
    {
        Engine.Dispose();
        Applications.Dispose();
        Outbox.Dispose();
        _stop.Dispose();
    }

    private IReadOnlyList<T> Read<T>(string topic, MessageParser<T> parser) where T : IMessage<T> =>
        [.. Outbox.ReadAfter(0, int.MaxValue).Where(message => message.Topic.Contains(topic, StringComparison.Ordinal)).Select(message => parser.ParseFrom(message.Payload))];

    private void Look(Action change)
    {
        lock (_gate)
        {
            change();
            foreach ((Func<DeviceRig, bool> condition, TaskCompletionSource met) in _waiting)
            {
                if (!met.Task.IsCompleted && condition(this))
                {
                    met.SetResult();
                }
            }
        }
    }
}

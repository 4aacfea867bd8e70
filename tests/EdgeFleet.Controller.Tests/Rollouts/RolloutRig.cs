using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Protocol;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;
using EdgeFleet.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Controller.Tests.Rollouts;

/// <summary>
/// The controller's own store, ingest, rollout loop and rollback, with the network left out and a clock that stands still, so
/// that the same run comes out the same each time. When the power goes, everything but the file and the devices is gone, and
/// the next round begins with a new controller.
/// </summary>
internal sealed class RolloutRig : IAsyncDisposable, IRolloutRunner
{
    public static readonly Digest Before = Digest.Of([1]);
    public static readonly Digest Candidate = Digest.Of([2]);

    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new(new DateTimeOffset(2026, 11, 20, 12, 0, 0, TimeSpan.Zero));
    private readonly Dictionary<string, RolloutLoop> _loops = new(StringComparer.Ordinal);
    private readonly List<RigDevice> _devices;
    private Parts _parts = null!;

    private RolloutRig(List<RigDevice> devices) => _devices = devices;

    public IReadOnlyList<RigDevice> Devices => _devices;
    public Database Database => _parts.Database;
    public RolloutDesk Rollouts => _parts.Rollouts;
    public RollbackDesk Rollbacks => _parts.Rollbacks;
    public DeviceStreams Streams => _parts.Streams;
    public DateTimeOffset Now => _time.GetUtcNow();
    public int Restarts { get; private set; }

    /// <summary>Hands goals to devices before they are in the store: what must never be done.</summary>
    public bool TellsFirst { get; set; }

    private sealed record Parts(
        Database Database, DeviceStreams Streams, DesiredWriter Desired, RolloutWriter Writer, IngestDesk Ingest, RolloutDesk Rollouts, RollbackDesk Rollbacks, SignalBoard Signals);

    /// <summary>Devices that serve <see cref="Before"/>, in the store and approved.</summary>
    public static async Task<RolloutRig> StartAsync(IEnumerable<RigDevice> devices, bool provisioned = true)
    {
        RolloutRig rig = new([.. devices]);
        rig.Begin(null);
        await rig.Database.WriteAsync(
            "prepare",
            transaction =>
            {
                foreach (Digest digest in (Digest[])[Before, Candidate])
                {
                    ArtifactStore.Add(
                        transaction,
                        new ArtifactRow { Digest = digest.ToString(), Model = "fashion", Manifest = System.Text.Encoding.UTF8.GetString(TestArtifacts.Manifest([7]).ToBytes()) },
                        []);
                }
                foreach (RigDevice device in rig._devices)
                {
                    var facts = DesiredMapping.ToCore(device.Facts);
                    DeviceStore.Add(transaction, new DeviceRow
                    {
                        Id = device.Id, State = DeviceStates.Active, SpkiSha256 = device.Id, Facts = StoreJson.Write(facts), HardwareClass = facts.ClassId,
                    });
                }
            },
            CancellationToken.None);
        if (provisioned)
        {
            rig._devices.ForEach(device => device.Install(Before));
        }
        await rig.RoundAsync();
        return rig;
    }

    public static string Spec(string stages, string strategy = "staged", int attempt = 1, string selector = "", Digest? candidate = null) => $$"""
        apiVersion: edgefleet.io/v1
        kind: Rollout
        metadata: { name: trial }
        spec:
          model: fashion
          candidate: {{candidate ?? Candidate}}
          selector: '{{selector}}'
          strategy: {{strategy}}
          attempt: {{attempt}}
          stages: {{stages}}
          policySpec:
            alphaPromotion: 0.4
            evidence: { tickMilliseconds: 1000, calibrationTicks: 1, calibrationNoisePairs: 30, pairsPerDevice: 100 }
            soak: { shadowSeconds: 0, canarySeconds: 0, rampSeconds: 0 }
            probation: { seconds: 1 }
        """;

    /// <summary>Begins with a new process, on the file that the old one left.</summary>
    public async Task RestartAsync(IWriteObserver? observer)
    {
        Restarts++;
        await _parts.Database.DisposeAsync();
        Begin(observer);
    }

    /// <summary>Puts an observer into the running store by restarting it without a fault.</summary>
    public async Task ObserveAsync(IWriteObserver observer)
    {
        await RestartAsync(observer);
        Restarts = 0;
    }

    public void Run(string rolloutId, string model) => _loops[rolloutId] = new RolloutLoop(
        rolloutId, model, _parts.Database, _parts.Writer, NewReader(), _parts.Signals, _time, NullLogger<RolloutLoop>.Instance);

    public RolloutWorldReader NewReader() => new(_parts.Streams, _time.GetUtcNow());

    /// <summary>Every device hears, works and reports once; then every rollout is looked at once. A cut ends the round.</summary>
    public async Task RoundAsync()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        try
        {
            foreach (RolloutRow row in await Database.ReadAsync(RolloutStore.ListRunning, CancellationToken.None))
            {
                if (!_loops.ContainsKey(row.Id))
                {
                    Run(row.Id, row.Model);
                }
            }
            foreach (RigDevice device in _devices.Where(device => device.Online))
            {
                await HearAsync(device);
                device.Work();
                await ReportAsync(device);
            }
            foreach ((string id, RolloutLoop loop) in _loops.ToArray())
            {
                if (TellsFirst)
                {
                    await TellFirstAsync(id);
                }
                if ((await loop.StepAsync(CancellationToken.None)).Ended)
                {
                    _loops.Remove(id);
                }
            }
        }
        catch (StoreUnavailableException)
        {
            await RestartAsync(null);
        }
    }

    public async Task<RolloutState> RunToEndAsync(string rolloutId, int maximumRounds = 120)
    {
        for (int round = 0; round < maximumRounds; round++)
        {
            await RoundAsync();
            RolloutRow? row = await Database.ReadAsync(session => RolloutStore.Find(session, rolloutId), CancellationToken.None);
            if (row?.EndedAt is not null)
            {
                // Once more, so that devices hear the last word.
                await RoundAsync();
                await RoundAsync();
                return RolloutDocumentCodec.ReadState(row.State);
            }
        }
        RolloutRow? last = await Database.ReadAsync(session => RolloutStore.Find(session, rolloutId), CancellationToken.None);
        throw new Xunit.Sdk.XunitException($"rollout '{rolloutId}' did not end in {maximumRounds} rounds: {last?.State}");
    }

    /// <summary>Creates a rollout, again if the power went before it was in the store.</summary>
    public async Task<string> CreateAsync(string yaml)
    {
        RolloutSpec spec = SpecFile.ParseRollout(yaml);
        while (true)
        {
            try
            {
                RolloutOutcome outcome = await Rollouts.CreateAsync(spec, "operator", CancellationToken.None);
                // After a cut the operator asks again; if the first wish was stored, the answer names it.
                return outcome switch
                {
                    RolloutOutcome.Done done => done.RolloutId,
                    RolloutOutcome.Conflict => (await Database.ReadAsync(session => RolloutStore.FindRunning(session, spec.Model), CancellationToken.None))!.Id,
                    _ => throw new Xunit.Sdk.XunitException(outcome.ToString()),
                };
            }
            catch (StoreUnavailableException)
            {
                await RestartAsync(null);
            }
        }
    }

    /// <summary>Publishes another artifact of the model.</summary>
    public async Task<Digest> PublishAsync(byte seed)
    {
        Digest digest = Digest.Of([seed]);
        await Database.WriteAsync(
            "publish",
            transaction => ArtifactStore.Add(
                transaction,
                new ArtifactRow { Digest = digest.ToString(), Model = "fashion", Manifest = System.Text.Encoding.UTF8.GetString(TestArtifacts.Manifest([seed]).ToBytes()) },
                []),
            CancellationToken.None);
        return digest;
    }

    /// <summary>What is wrong between devices and store; empty when a device never saw more than the store has.</summary>
    public async Task<IReadOnlyList<string>> ContradictionsAsync()
    {
        List<string> found = [];
        foreach (RigDevice device in _devices)
        {
            (long generation, DesiredModelRow? row) = await Database.ReadAsync(
                session => (DesiredStore.GenerationOf(session, device.Id), DesiredStore.Find(session, device.Id, "fashion")), CancellationToken.None);
            if (device.Generation > generation)
            {
                found.Add($"{device.Id} was told generation {device.Generation}, the store has {generation}");
            }
            if (device.Generation == generation && device.Desired is { } told && row is not null && (told.Digest, told.Goal) != (Digest.Parse(row.Digest), Enum.Parse<DeploymentGoal>(row.Goal)))
            {
                found.Add($"{device.Id} was told {told.Digest} {told.Goal} as generation {generation}, the store has {row.Digest} {row.Goal}");
            }
        }
        return found;
    }

    /// <summary>The link of a device is gone; <see cref="RigDevice.Online"/> brings it back.</summary>
    public void Cut(RigDevice device)
    {
        Streams.Remove(device.Stream!);
        (device.Stream, device.Online) = (null, false);
    }

    public async ValueTask DisposeAsync()
    {
        await _parts.Database.DisposeAsync();
        _folder.Dispose();
    }

    private void Begin(IWriteObserver? observer)
    {
        Database database = Database.Open(new DatabaseOptions { File = _folder["store.db"], Observer = observer, MaximumBatch = 1, Flushes = false });
        DeviceStreams streams = new(_time);
        SignalBoard signals = new();
        DesiredWriter desired = new(streams);
        RolloutWriter writer = new(desired, signals, _time);
        RolloutDesk rollouts = new(database, this, signals, _time);
        _parts = new Parts(
            database, streams, desired, writer, new IngestDesk(database, streams, signals, new MetricBoard(), "default", _time, NullLogger<IngestDesk>.Instance),
            rollouts, new RollbackDesk(database, rollouts, desired, signals, _time), signals);
        _loops.Clear();
        _devices.ForEach(device => device.Stream = null);
    }

    private async Task HearAsync(RigDevice device)
    {
        if (device.Stream is null)
        {
            device.Stream = _parts.Streams.Open(device.Id, out _);
            device.Stream.DesiredChanged();
            device.Acknowledge(await Database.ReadAsync(session => IngestStore.FindContiguous(session, device.Id, 1), CancellationToken.None));
        }
        if (device.Stream.TakeDesiredChanged() && await Database.ReadAsync(session => DesiredStore.Read(session, device.Id), CancellationToken.None) is { } state)
        {
            device.Receive(state.Generation, state.Models.GetValueOrDefault("fashion"));
        }
    }

    private async Task ReportAsync(RigDevice device)
    {
        foreach ((string topic, byte[] payload) in device.Outbox.ToArray())
        {
            await _parts.Ingest.TakeAsync(topic, payload, CancellationToken.None);
        }
        if (device.Stream!.TakeAcked() is { } acked)
        {
            device.Acknowledge(acked.Seq);
        }
    }

    private async Task TellFirstAsync(string rolloutId)
    {
        RolloutDecision decision = await Database.ReadAsync(
            session =>
            {
                RolloutState state = RolloutDocumentCodec.ReadState(RolloutStore.Find(session, rolloutId)!.State);
                return RolloutReconciler.Decide(state, NewReader().Read(session, state, _time.GetUtcNow()));
            },
            CancellationToken.None);
        foreach (DeviceGoal goal in decision.Goals)
        {
            RigDevice device = _devices.Single(d => d.Id == goal.DeviceId);
            if (decision.Changed && goal.Desired is { } desired && (device.Desired?.Digest, device.Desired?.Goal) != (desired.Digest, desired.Goal))
            {
                device.Receive(device.Generation + 1, desired);
                device.Work();
            }
        }
    }
}

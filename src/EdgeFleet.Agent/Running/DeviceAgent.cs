using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Reporting;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// The supervisor of one device: keeps the link to the controller, takes models through their deployments, and reports. It
/// holds no model; the runner is another process.
/// </summary>
public sealed partial class DeviceAgent : IDisposable
{
    private readonly ControllerLink _link;
    private readonly Outbox _outbox;
    private readonly DeploymentEngine _engine;
    private readonly SyncLoop _sync;
    private readonly ReportPublisher _publisher;
    private readonly ReportWriter _reports;
    private readonly MetricLoop? _metrics;
    private readonly RollbackButton? _button;
    private readonly ApplicationRunner _applications;
    private readonly HealthSocket? _health;

    private DeviceAgent(
        ControllerLink link, Outbox outbox, DeploymentEngine engine, SyncLoop sync, ReportPublisher publisher, ReportWriter reports, MetricLoop? metrics, RollbackButton? button,
        ApplicationRunner applications, HealthSocket? health, EnrollmentDocument identity)
    {
        _link = link;
        _outbox = outbox;
        _engine = engine;
        _sync = sync;
        _publisher = publisher;
        _reports = reports;
        _metrics = metrics;
        _button = button;
        _applications = applications;
        _health = health;
        Identity = identity;
    }

    public EnrollmentDocument Identity { get; }

    /// <summary>The stream to the controller is open.</summary>
    public bool IsConnected => _sync.IsConnected;

    public Outbox Outbox => _outbox;

    /// <summary>A phase of a deployment is on disk.</summary>
    public event Action<DeploymentRecord>? PhaseSaved
    {
        add => _engine.PhaseSaved += value;
        remove => _engine.PhaseSaved -= value;
    }

    /// <summary>There is nothing to do for a model until something changes.</summary>
    public event Action<string>? ModelSettled
    {
        add => _engine.ModelSettled += value;
        remove => _engine.ModelSettled -= value;
    }

    /// <exception cref="FormatException">The folder is not that of an enrolled device.</exception>
    /// <exception cref="DamagedIdentityException">It is, and its identity cannot be read any more.</exception>
    public static DeviceAgent Create(StateFolder state, AgentOptions options, AgentSeams seams)
    {
        ILoggerFactory loggers = seams.Loggers;
        state.Prepare();
        foreach (string job in state.Files.List(state.Jobs))
        {
            // Of a worker that a killed agent had: it went with its agent.
            state.Files.Delete(Path.Join(state.Jobs, job));
        }
        IdentityFiles files = new(state);
        IReadOnlyList<string> mended = files.Mend();
        EnrollmentDocument identity = files.Document
            ?? throw new FormatException($"'{state.Root}' is not the folder of an enrolled device; run edgefleet-agent enroll first");
        Dictionary<string, string> labels = new(identity.Labels);
        foreach ((string key, string value) in options.Labels)
        {
            labels[key] = value;
        }

        ControllerLink link = new(files, identity, seams.Time, loggers.CreateLogger<ControllerLink>());
        Topics topics = new(identity.Tenant, identity.DeviceId);
        FleetClock clock = new(seams.Time);
        DesiredStore desired = new(state, loggers.CreateLogger<DesiredStore>());
        SlotTable slots = new(state, seams.Time, loggers.CreateLogger<SlotTable>());
        Outbox outbox = Outbox.Open(state.Files, state.Outbox, topics.Event("gap"), options.Outbox, seams.Time, loggers.CreateLogger<Outbox>());
        ReleaseKeyRing releaseKeys = ReleaseKeyRing.FromPem(identity.ReleaseKeys);
        ReportWriter reports = new(outbox, topics, slots, seams.Facts, () => desired.Generation, labels, seams.Time, loggers.CreateLogger<ReportWriter>())
        {
            ReleaseKeyIds = releaseKeys.KeyIds,
        };
        foreach (string fault in mended)
        {
            LogMended(loggers.CreateLogger<DeviceAgent>(), state.Identity, fault);
            reports.Event("identity-mended", identity.DeviceId, $"{fault}; it is as its copy was");
        }
        if (outbox.Salvaged is { } salvaged)
        {
            reports.Event("outbox-damaged", $"incarnation {outbox.Boot}", $"the outbox was damaged; {salvaged} reports could be read and are sent under new numbers, what else it held is lost");
        }
        HealthBoard health = new(seams.Time);
        ApplicationRunner applications = new(state, slots, seams.Hooks ?? new ProcessHooks(seams.Time), health, seams.Time, loggers.CreateLogger<ApplicationRunner>());
        ModelRunners runners = new(seams.Runner, applications);
        HealthSocket? healthSocket = runners.Applications is null
            ? null
            : new HealthSocket(state.HealthSocket, applications.Models, health, applications.Answer, seams.Time, loggers.CreateLogger<HealthSocket>());
        DeploymentServices services = new()
        {
            State = state,
            Slots = slots,
            Files = new DeploymentFiles(state, loggers.CreateLogger<DeploymentFiles>()),
            Store = new ArtifactStore(state, releaseKeys, loggers.CreateLogger<ArtifactStore>()),
            Source = seams.Source ?? new GrpcArtifactSource(link, seams.Time),
            Inspector = seams.Inspector,
            Trials = seams.Trials,
            Runners = runners,
            Facts = seams.Facts,
            Reports = reports,
            Busy = seams.Busy,
            Options = options.Deployments,
            Time = seams.Time,
        };
        DeploymentEngine engine = new(
            services, desired, new ContentCollector(state, slots, loggers.CreateLogger<ContentCollector>()), clock, loggers.CreateLogger<DeploymentEngine>());
        SyncLoop sync = new(link, desired, outbox, clock, options.Sync, seams.Time, loggers.CreateLogger<SyncLoop>());
        ReportPublisher publisher = new(
            outbox, identity, topics, new PresenceEpoch(state, seams.Time), address => Broker(address, identity, link, clock, options, seams.Time), seams.Broker,
            options.Publisher, seams.Time, loggers.CreateLogger<ReportPublisher>());
        MetricLoop? metrics = seams.Gauges is { } gauges ? new MetricLoop(publisher, gauges, runners, slots, outbox, options.Metrics, seams.Time) : null;
        RollbackButton? button = options.RollbackButton is { } line ? new RollbackButton(state, seams.Gpio, line, seams.Time, loggers.CreateLogger<RollbackButton>()) : null;
        return new DeviceAgent(link, outbox, engine, sync, publisher, reports, metrics, button, applications, healthSocket, identity);
    }

    /// <summary>Runs until cancelled. Any exception that a part does not expect ends all of them and comes out here.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _sync.Connected += address =>
        {
            _publisher.Use(address);
            _engine.LinkIsBack();
        };
        _sync.DesiredChanged += models =>
        {
            _engine.DesiredChanged(models);
            if (models.Count > 0)
            {
                _reports.Reported();
            }
            else
            {
                // A new generation that changes nothing comes from a controller that has lost what this device said.
                SayAll();
            }
        };
        _sync.DesiredRefused += (generation, reason) => _reports.Event(
            "desired-refused", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"generation {generation}"), reason);
        _engine.PhaseSaved += record =>
        {
            _publisher.Archive(record.Archived, record.Id);
        };
        _publisher.Connected += SayAll;

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        List<Task> parts = [_engine.RunAsync(stop.Token), _sync.RunAsync(stop.Token), _publisher.RunAsync(stop.Token)];
        if (_metrics is not null)
        {
            parts.Add(_metrics.RunAsync(stop.Token));
        }
        if (_button is not null)
        {
            parts.Add(_button.RunAsync(stop.Token));
        }
        if (_health is not null)
        {
            parts.Add(_health.RunAsync(stop.Token));
        }
        Task first = await Task.WhenAny(parts).ConfigureAwait(false);
        await stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(parts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _engine.WaitForWorkersAsync().ConfigureAwait(false);
        if (!cancellationToken.IsCancellationRequested)
        {
            await first.ConfigureAwait(false);
        }
        _engine.EndedInOrder();
    }

    public void Dispose()
    {
        _engine.Dispose();
        _applications.Dispose();
        _outbox.Dispose();
        _link.Dispose();
    }

    /// <summary>A broker that forgot everything, and a controller that was away, learn the newest state without asking.</summary>
    private void SayAll()
    {
        _reports.Reported();
        foreach (ModelWorker worker in _engine.Workers)
        {
            if (worker.Record is { } record)
            {
                _reports.Deployment(record);
            }
        }
    }

    private static MqttSessionOptions Broker(
        BrokerAddress address, EnrollmentDocument identity, ControllerLink link, FleetClock clock, AgentOptions options, TimeProvider time)
    {
        X509Certificate2Collection roots = [];
        // The controller itself names other roots, over a link that the fleet's roots vouch for.
        roots.ImportFromPem(address.RootsPem ?? link.RootPem);
        return new MqttSessionOptions
        {
            Host = address.Host,
            Port = address.Port,
            ClientId = identity.DeviceId,
            SessionExpiry = options.BrokerSession,
            Tls = new MqttTlsOptions
            {
                TrustedRoots = roots,
                // The controller named this broker, so it has said the time too; the device's own clock may stand in 1970.
                VerificationTime = () => clock.Now ?? time.GetUtcNow(),
                ClientCertificate = () => link.Identity.Leaf,
                Intermediates = [.. link.Identity.Context.IntermediateCertificates],
            },
        };
    }

    [LoggerMessage(EventId = 3601, Level = LogLevel.Error, Message = "'{Folder}': {Fault}; it is as its copy was. The card may be wearing out")]
    private static partial void LogMended(ILogger log, string folder, string fault);
}

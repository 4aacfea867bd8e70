using EdgeFleet.Controller.Api;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// One running controller. Starts its parts in the order in which they need each other (store, authority, broker, listeners,
/// ingest, rollouts) and stops them the other way round.
/// </summary>
internal sealed partial class ControllerHost : IAsyncDisposable
{
    private static readonly TimeSpan s_brokerPatience = TimeSpan.FromSeconds(10);
    private readonly Stack<IAsyncDisposable> _parts = new();
    private WebApplication? _app;

    private ControllerHost(ControllerOptions options)
    {
        Options = options;
    }

    public ControllerOptions Options { get; }
    public EndpointsFile Endpoints { get; private set; } = null!;
    public IServiceProvider Services => _app!.Services;

    /// <summary>Why the controller stopped by itself; null when it was told to.</summary>
    public Exception? Failure => _app?.Services.GetRequiredService<FatalErrors>().First;

    /// <exception cref="IOException">The data folder is in use or cannot be written, or a port is taken.</exception>
    public static async Task<ControllerHost> StartAsync(ControllerOptions options, ControllerParts parts, CancellationToken cancellationToken)
    {
        options.Validate();
        ControllerHost host = new(options);
        try
        {
            await host.StartPartsAsync(parts, cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Returns when the process was told to stop, or had to.</summary>
    public Task WaitForShutdownAsync(CancellationToken cancellationToken) => _app!.WaitForShutdownAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out IAsyncDisposable? part))
        {
            await part.DisposeAsync();
        }
    }

    private async Task StartPartsAsync(ControllerParts parts, CancellationToken cancellationToken)
    {
        DataFolder folder = Own(DataFolder.Open(Options.DataFolder));
        bool anew = folder.MayBeginAnew();
        Database database = Own(Database.Open(new DatabaseOptions
        {
            File = folder.StoreFile, Tenant = Options.Tenant, Time = parts.Time, Observer = parts.Observer, MaximumBatch = parts.MaximumBatch,
        }));
        FleetAuthority authority = Own(FleetAuthority.LoadOrCreate(folder.PkiFolder, Options.Tenant, Options.Names, parts.Time));

        WebApplication app = ControllerApplication.Build(Options, parts, folder, database, authority);
        _app = app;
        _parts.Push(app);
        ILogger<ControllerHost> log = app.Services.GetRequiredService<ILogger<ControllerHost>>();
        FatalErrors fatal = app.Services.GetRequiredService<FatalErrors>();
        _ = fatal.Watch("store", database.Completion);
        if (anew)
        {
            LogBegunAnew(log, folder.StoreFile);
            await database.WriteAsync(
                "begin anew", transaction => AuditStore.Append(transaction, parts.Time.NowMs(), "controller", "database.begun-anew", folder.StoreFile, "the database of this authority's fleet was gone"), cancellationToken);
        }
        await app.Services.GetRequiredService<OperatorAccess>().EnsureAdminAsync(folder.OperatorTokenFile, cancellationToken);

        BrokerEndpoint mqtt = new("localhost", 0);
        if (!parts.WithoutBroker)
        {
            IReadOnlyList<string> revoked = await database.ReadAsync(DeviceStore.ListRevokedIds, cancellationToken);
            IReportBroker broker = parts.Broker ?? BrokerFactory.Create(
                Options, folder, authority, revoked, parts.Time, app.Services.GetRequiredService<ILoggerFactory>());
            _parts.Push(broker);
            mqtt = await broker.StartAsync(cancellationToken);
            _ = fatal.Watch("broker", broker.Completion);
            app.Services.GetRequiredService<DeviceRegistry>().Broker = broker;
        }
        SyncSettings settings = app.Services.GetRequiredService<SyncSettings>();
        (settings.MqttHost, settings.MqttPort) = (mqtt.Host, mqtt.Port);

        // Before anybody can ask for another rollout: one that is made while those of the store are begun would be driven twice.
        RolloutHost rollouts = app.Services.GetRequiredService<RolloutHost>();
        _parts.Push(rollouts);
        await rollouts.StartAsync(cancellationToken);

        Listeners listeners = app.Services.GetRequiredService<Listeners>();
        await app.StartAsync(cancellationToken);
        _parts.Push(new Stopping(app));
        listeners.Resolve(Options);
        if (!parts.WithoutBroker)
        {
            await SubscribeAsync(authority, mqtt, parts.Time, fatal, log, cancellationToken);
            await database.WriteAsync(
                "alarms", transaction => WebhookStore.AddOnce(transaction, new WebhookRow { Id = AlarmPublisher.Id, Events = EventPatterns.All, CreatedBy = "controller", CreatedAt = parts.Time.NowMs() }), cancellationToken);
        }
        Housekeeping housekeeping = app.Services.GetRequiredService<Housekeeping>();
        _parts.Push(housekeeping);
        _ = fatal.Watch("housekeeping", housekeeping.Start());
        WebhookDispatcher webhooks = app.Services.GetRequiredService<WebhookDispatcher>();
        _parts.Push(webhooks);
        _ = fatal.Watch("webhooks", webhooks.Start());
        Own(new QuietMemory(parts.Time));
        Endpoints = new EndpointsFile(
            listeners.OperatorUrl, listeners.EnrollUrl, listeners.DeviceUrl, mqtt.Host, mqtt.Port, authority.RootPem, authority.RootPin);
        Endpoints.Write(folder.EndpointsFile);
        LogStarted(log, listeners.OperatorUrl, listeners.EnrollUrl, listeners.DeviceUrl, $"{mqtt.Host}:{mqtt.Port}", database.Epoch);
    }

    private async Task SubscribeAsync(
        FleetAuthority authority, BrokerEndpoint mqtt, TimeProvider time, FatalErrors fatal, ILogger<ControllerHost> log, CancellationToken cancellationToken)
    {
        RenewedIdentity identity = Own(authority.CreateMqttIdentity(BrokerFactory.ControllerName, time));
        ReportSubscriber subscriber = new(
            BrokerFactory.SessionOptions(Options.Broker, authority, identity, mqtt), _app!.Services.GetRequiredService<IngestDesk>(), Options.Tenant,
            _app.Services.GetRequiredService<ILogger<ReportSubscriber>>());
        _parts.Push(subscriber);
        _app.Services.GetRequiredService<AlarmPublisher>().Publish = subscriber.PublishAsync;
        Task subscribed = subscriber.StartAsync(cancellationToken);
        _ = fatal.Watch("subscription to reports", subscribed);
        _ = fatal.Watch("session at the broker", subscriber.Completion);
        try
        {
            await subscribed.WaitAsync(s_brokerPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // Devices keep their reports; the session goes on trying, and the device plane works without it.
            LogBrokerAway(log, mqtt.Host, mqtt.Port, s_brokerPatience);
        }
    }

    private T Own<T>(T part)
        where T : notnull
    {
        _parts.Push(part as IAsyncDisposable ?? new Disposing((IDisposable)part));
        return part;
    }

    private sealed class Disposing(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Ends open streams before what they use is taken away; an agent that holds its stream open must not hold us up.</summary>
    private sealed class Stopping(WebApplication app) : IAsyncDisposable
    {
        private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);

        public async ValueTask DisposeAsync()
        {
            using CancellationTokenSource limit = new(s_limit);
            await app.StopAsync(limit.Token);
        }
    }

    [LoggerMessage(EventId = 2010, Level = LogLevel.Information, Message = "Operators at {OperatorUrl}, enrolment at {EnrollUrl}, devices at {DeviceUrl}, reports at mqtts://{Mqtt}, epoch {Epoch}")]
    private static partial void LogStarted(ILogger logger, string operatorUrl, string enrollUrl, string deviceUrl, string mqtt, long epoch);

    [LoggerMessage(EventId = 2012, Level = LogLevel.Warning, Message = "The database {File} begins empty: each device of this fleet has to be enrolled anew")]
    private static partial void LogBegunAnew(ILogger logger, string file);

    [LoggerMessage(EventId = 2011, Level = LogLevel.Warning, Message = "The broker at {Host}:{Port} did not answer within {Patience}; going on without reports until it does")]
    private static partial void LogBrokerAway(ILogger logger, string host, int port, TimeSpan patience);
}

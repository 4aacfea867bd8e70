using EdgeFleet.Controller.Store;
using EdgeFleet.Mqtt;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Ingest;

/// <summary>
/// The controller's session at the broker. Retained state is read by a normal subscription (a shared one is not sent what is
/// retained); the stream of evidence is shared, so that replicas split it. A message is acknowledged when it is stored.
/// </summary>
internal sealed partial class ReportSubscriber : IAsyncDisposable
{
    // Enough unfinished messages that many share one flush of the disk; also the bound of what waits in memory.
    private const int InFlight = 512;
    private static readonly string[] s_retained = ["presence", "reported", "deployment/+"];
    private static readonly string[] s_streamed = ["event/+", "bench/+", "shadow/+"];

    private readonly MqttSession _session;
    private readonly IngestDesk _desk;
    private readonly string _tenant;
    private readonly ILogger<ReportSubscriber> _log;

    public ReportSubscriber(MqttSessionOptions options, IngestDesk desk, string tenant, ILogger<ReportSubscriber> log)
    {
        _desk = desk;
        _tenant = tenant;
        _log = log;
        _session = new MqttSession(options with
        {
            CleanStart = false,
            SessionExpiry = TimeSpan.FromDays(1),
            ReceiveMaximum = InFlight,
            HandlerConcurrency = InFlight,
            MaximumPacketSize = 1 << 20,
            // What devices publish while nobody subscribes comes again only after a minute, so after a broker's restart the
            // controller is back before most of them.
            ReconnectDelay = TimeSpan.FromMilliseconds(50),
            MaximumReconnectDelay = TimeSpan.FromMilliseconds(500),
            OnHandlerFailed = HandlerFailed,
            OnConnected = (connected, _) => { LogConnected(options.Host, options.Port); return Task.CompletedTask; },
            OnDisconnected = (ended, _) => Disconnected(options, ended),
        });
    }

    /// <summary>Ends only with the session; fails when the session was taken over.</summary>
    public Task Completion => _session.Completion;

    public bool IsConnected => _session.IsConnected;

    /// <summary>Begins to connect; completes when every subscription is made, which may be as late as the broker comes up.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string devices = $"edgefleet/v1/{_tenant}/+";
        // Registered before the connect: what the broker kept for this session arrives with it.
        Task<MqttQos>[] subscriptions =
        [
            .. s_retained.Select(kind => SubscribeAsync($"{devices}/{kind}", cancellationToken)),
            .. s_streamed.Select(kind => SubscribeAsync($"$share/ingest/{devices}/{kind}", cancellationToken)),
            SubscribeAsync($"$share/ingest/{devices}/metric", cancellationToken, MqttQos.AtMostOnce),
        ];
        await _session.StartAsync(cancellationToken);
        await Task.WhenAll(subscriptions);
    }

    /// <summary>Over the same session: completes with the broker's acknowledgement, however long that is away.</summary>
    public Task<MqttAck> PublishAsync(MqttMessage message, CancellationToken cancellationToken) => _session.PublishAsync(message, cancellationToken);

    public async ValueTask DisposeAsync() => await _session.DisposeAsync();

    private Task<MqttQos> SubscribeAsync(string filter, CancellationToken cancellationToken, MqttQos qos = MqttQos.AtLeastOnce) =>
        _session.SubscribeAsync(filter, qos, (message, token) => _desk.TakeAsync(message.Topic, message.Payload, token), cancellationToken);

    private Task Disconnected(MqttSessionOptions options, MqttDisconnected ended)
    {
        if (ended.RetryIn is { } pause)
        {
            LogDisconnected(options.Host, options.Port, ended.Detail, pause);
        }
        return Task.CompletedTask;
    }

    private MqttFailureAction HandlerFailed(MqttReceivedMessage message, Exception error)
    {
        if (error is StoreUnavailableException)
        {
            LogNotStored(error, ReportText.Clean(message.Topic, 200));
            return MqttFailureAction.Redeliver;
        }
        // A bug. The device still has the report and sends it again after a minute; refusing it keeps the others going.
        LogFailed(error, ReportText.Clean(message.Topic, 200));
        return MqttFailureAction.Refuse;
    }

    [LoggerMessage(EventId = 2211, Level = LogLevel.Information, Message = "Taking in reports from the broker at {Host}:{Port}")]
    private partial void LogConnected(string host, int port);

    [LoggerMessage(EventId = 2212, Level = LogLevel.Warning, Message = "The broker at {Host}:{Port} is away ({Why}); connecting again in {Pause}")]
    private partial void LogDisconnected(string host, int port, string why, TimeSpan pause);

    [LoggerMessage(EventId = 2213, Level = LogLevel.Warning, Message = "A message on {Topic} could not be stored; the broker sends it again")]
    private partial void LogNotStored(Exception exception, string topic);

    [LoggerMessage(EventId = 2214, Level = LogLevel.Error, Message = "A message on {Topic} could not be taken in")]
    private partial void LogFailed(Exception exception, string topic);
}

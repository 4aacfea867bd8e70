using EdgeFleet.Agent.Enrollment;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Mqtt;
using EdgeFleet.Protocol;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.Extensions.Logging;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Agent.Reporting;

/// <summary>
/// Sends what is in the outbox over MQTT, in order, with a bounded number on their way. A report stays in the outbox until
/// the controller acknowledges it on the stream; what it does not within a while is sent again, because a broker that is
/// restarted may lose what it acknowledged itself.
/// </summary>
internal sealed partial class ReportPublisher(
    Outbox outbox, EnrollmentDocument identity, Topics topics, PresenceEpoch epochs, Func<BrokerAddress, MqttSessionOptions> connection,
    Func<MqttSessionOptions, IMqttSession> open, PublisherOptions options, TimeProvider time, ILogger<ReportPublisher> log)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BrokerAddress? _address;
    private IMqttSession? _session;
    private long _epoch;
    private bool _rewind;
    private bool _unheard;
    /// <summary>Deployments whose retained report goes, and the newest report of when they were replaced.</summary>
    private readonly List<(string Id, long Last)> _archived = [];

    /// <summary>Called after each connect, so that the newest state is said anew.</summary>
    public event Action? Connected;

    public bool IsConnected => _session?.IsConnected == true;

    /// <summary>The controller names its broker; what it has not acknowledged yet is sent again.</summary>
    public void Use(BrokerAddress address) => Change(() =>
    {
        _address = address;
        _rewind = true;
    });

    /// <summary>
    /// The broker shall forget the retained report of a deployment that another one replaced, once nothing of it can be sent
    /// again: what is sent later would stand there for ever.
    /// </summary>
    /// <param name="current">The one that replaced it; where it was archived itself before, it is not any more.</param>
    public void Archive(string deploymentId, string current) => Change(() =>
    {
        _archived.RemoveAll(archived => archived.Id == current);
        if (deploymentId.Length > 0 && deploymentId != current && _archived.TrueForAll(archived => archived.Id != deploymentId))
        {
            _archived.Add((deploymentId, outbox.LastSeq));
        }
    });

    /// <summary>Says something that may be lost, and loses it where there is no link.</summary>
    public async Task SayAsync(Wire.MetricReport metric, CancellationToken cancellationToken)
    {
        try
        {
            if (_session is { } session)
            {
                await session.PublishAsync(
                    new MqttMessage { Topic = topics.Metric, Qos = MqttQos.AtMostOnce, ContentType = Topics.ContentType(typeof(Wire.MetricReport)), Payload = metric.ToByteArray() },
                    cancellationToken).ConfigureAwait(false);
            }
        }
        catch (Exception ex) when (ex is MqttException or ObjectDisposedException)
        {
            // The session ended meanwhile; whoever runs it says so.
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                BrokerAddress address = await WaitForAddressAsync(cancellationToken).ConfigureAwait(false);
                MqttSessionOptions settings = connection(address) with
                {
                    WillFactory = Will,
                    OnConnected = OnConnectedAsync,
                    OnDisconnected = OnDisconnectedAsync,
                };
                await using IMqttSession session = open(settings);
                _session = session;
                await session.StartAsync(cancellationToken).ConfigureAwait(false);
                await PublishWhileAsync(session, address, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _session = null;
        }
    }

    /// <summary>Says that this device goes, so that nobody takes it for a failure.</summary>
    private async Task SayGoodbyeAsync(IMqttSession session)
    {
        if (!session.IsConnected)
        {
            return;
        }
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(2));
        try
        {
            await session.PublishAsync(Presence(online: false, _epoch), limit.Token).ConfigureAwait(false);
            await session.DisconnectAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception ex) when (ex is MqttException or OperationCanceledException)
        {
            // The will says the same.
            LogGoodbyeFailed(ex.Message);
        }
    }

    private async Task PublishWhileAsync(IMqttSession session, BrokerAddress address, CancellationToken cancellationToken)
    {
        long sent = outbox.AcknowledgedSeq;
        Queue<Task<MqttAck>> onTheirWay = new();
        List<(Task<MqttAck> Ack, (string Id, long Last) Archived)> clearing = [];
        Task resend = Task.Delay(options.ResendAfter, time, cancellationToken);
        bool hurried = false;
        try
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    changed = _changed.Task;
                    if (_address != address)
                    {
                        return;
                    }
                    if (_rewind)
                    {
                        _rewind = false;
                        sent = outbox.AcknowledgedSeq;
                    }
                }
                if (resend.IsCompletedSuccessfully)
                {
                    // Whatever was sent so long ago and is not acknowledged was lost on the way.
                    sent = outbox.AcknowledgedSeq;
                    resend = Task.Delay(options.ResendAfter, time, cancellationToken);
                    hurried = false;
                }
                await TakeAcknowledgementsAsync(onTheirWay).ConfigureAwait(false);
                if (_unheard && !hurried)
                {
                    resend = Task.Delay(options.ResendUnheard, time, cancellationToken);
                    hurried = true;
                }
                _unheard = false;
                if (session.Completion.IsCompleted)
                {
                    await session.Completion.ConfigureAwait(false);
                    return;
                }
                sent = Math.Max(sent, outbox.AcknowledgedSeq);
                if (!session.IsConnected)
                {
                    // OnConnected wakes this.
                    await Task.WhenAny(changed, session.Completion).WaitAsync(cancellationToken).ConfigureAwait(false);
                    continue;
                }
                clearing.RemoveAll(cleared => cleared.Ack.IsCompletedSuccessfully);
                foreach ((string Id, long Last) archived in TakeArchived())
                {
                    Task<MqttAck> ack = session.PublishAsync(new MqttMessage { Topic = topics.Deployment(archived.Id), Retain = true }, cancellationToken);
                    onTheirWay.Enqueue(ack);
                    clearing.Add((ack, archived));
                }
                sent = await SendAsync(session, sent, onTheirWay, changed, cancellationToken).ConfigureAwait(false);
                using CancellationTokenSource stopWaiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                Task more = outbox.WaitForMoreAsync(sent, stopWaiting.Token);
                Task oldest = onTheirWay.TryPeek(out Task<MqttAck>? waiting) ? waiting : changed;
                await Task.WhenAny(more, changed, resend, oldest, session.Completion).ConfigureAwait(false);
                await stopWaiting.CancelAsync().ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
        catch (MqttException ex)
        {
            LogSessionEnded(ex.Message, options.Reopen);
            await Task.Delay(options.Reopen, time, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await SayGoodbyeAsync(session).ConfigureAwait(false);
            throw;
        }
        finally
        {
            lock (_gate)
            {
                // What the broker has not acknowledged is for the next session.
                _archived.AddRange(clearing.Where(cleared => !cleared.Ack.IsCompletedSuccessfully).Select(cleared => cleared.Archived));
            }
        }
    }

    /// <summary>Those of which the controller has every report.</summary>
    private List<(string Id, long Last)> TakeArchived()
    {
        lock (_gate)
        {
            List<(string Id, long Last)> due = _archived.FindAll(archived => archived.Last <= outbox.AcknowledgedSeq);
            _archived.RemoveAll(due.Contains);
            return due;
        }
    }

    /// <summary>Sends what lies beyond a number; waits for the broker's acknowledgement of the oldest when enough are on their way.</summary>
    private async Task<long> SendAsync(IMqttSession session, long sent, Queue<Task<MqttAck>> onTheirWay, Task changed, CancellationToken cancellationToken)
    {
        while (true)
        {
            IReadOnlyList<OutboxMessage> messages = outbox.ReadAfter(sent, options.Batch);
            if (messages.Count == 0)
            {
                return sent;
            }
            foreach (OutboxMessage message in messages)
            {
                while (onTheirWay.Count >= options.InFlight || (onTheirWay.TryPeek(out Task<MqttAck>? oldest) && oldest.IsCompleted))
                {
                    // A broker that is gone acknowledges nothing; a change (another broker, a new link) must still get through.
                    await Task.WhenAny(onTheirWay.Peek(), changed).WaitAsync(cancellationToken).ConfigureAwait(false);
                    if (!onTheirWay.Peek().IsCompleted)
                    {
                        return sent;
                    }
                    await TakeAcknowledgementsAsync(onTheirWay).ConfigureAwait(false);
                }
                onTheirWay.Enqueue(session.PublishAsync(Message(message), cancellationToken));
                sent = message.Seq;
            }
        }
    }

    /// <summary>What the broker says of the oldest reports on their way, as far as it has said it.</summary>
    private async Task TakeAcknowledgementsAsync(Queue<Task<MqttAck>> onTheirWay)
    {
        while (onTheirWay.TryPeek(out Task<MqttAck>? oldest) && oldest.IsCompleted)
        {
            MqttAck ack = await onTheirWay.Dequeue().ConfigureAwait(false);
            if (!ack.IsSuccess)
            {
                LogRefused(ack.ReasonCode, ack.ReasonString ?? "");
            }
            // The controller has not come back to a broker that was restarted: it will within seconds, and never see this one.
            _unheard |= ack.ReasonCode == MqttReasonCode.NoMatchingSubscribers;
        }
    }

    private MqttMessage Message(OutboxMessage message) => new()
    {
        Topic = message.Topic,
        Payload = message.Payload,
        Retain = message.Retain,
        ContentType = message.ContentType,
        UserProperties = message.Topic.Contains("/event/", StringComparison.Ordinal) ? CloudEvent(message) : [],
    };

    /// <summary>CloudEvents, binary mode: the attributes stand beside the payload.</summary>
    private MqttUserProperty[] CloudEvent(OutboxMessage message) =>
    [
        new("specversion", "1.0"),
        new("id", $"{identity.DeviceId}:{outbox.Boot}:{message.Seq}"),
        new("source", $"/edgefleet/{identity.Tenant}/{identity.DeviceId}"),
        new("type", $"io.edgefleet.{message.Topic[(message.Topic.LastIndexOf('/') + 1)..]}"),
        new("time", message.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture)),
    ];

    private MqttWill Will()
    {
        _epoch = epochs.Next();
        return new MqttWill(Presence(online: false, _epoch)) { Delay = options.WillDelay };
    }

    private async Task OnConnectedAsync(MqttConnected connected, CancellationToken cancellationToken)
    {
        await _session!.PublishAsync(Presence(online: true, _epoch), cancellationToken).ConfigureAwait(false);
        LogConnected(_epoch, connected.SessionPresent);
        Connected?.Invoke();
        Change(() => _rewind = true);
    }

    private Task OnDisconnectedAsync(MqttDisconnected disconnected, CancellationToken cancellationToken)
    {
        LogDisconnected(disconnected.Cause, disconnected.Detail, disconnected.RetryIn);
        return Task.CompletedTask;
    }

    private MqttMessage Presence(bool online, long epoch) => new()
    {
        Topic = topics.Presence,
        Retain = true,
        ContentType = Topics.ContentType(typeof(Wire.Presence)),
        Payload = new Wire.Presence
        {
            Epoch = (ulong)epoch,
            Online = online,
            AgentVersion = AgentVersion.Text,
            Time = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
        }.ToByteArray(),
    };

    private async Task<BrokerAddress> WaitForAddressAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_address is { } address)
                {
                    return address;
                }
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private void Change(Action change)
    {
        lock (_gate)
        {
            change();
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    [LoggerMessage(EventId = 3421, Level = LogLevel.Information, Message = "Reports go to the broker, presence epoch {Epoch}, session kept: {SessionPresent}")]
    private partial void LogConnected(long epoch, bool sessionPresent);

    [LoggerMessage(EventId = 3422, Level = LogLevel.Warning, Message = "No broker ({Cause}: {Detail}); reports wait in the outbox, next attempt in {RetryIn}")]
    private partial void LogDisconnected(MqttDisconnectCause cause, string detail, TimeSpan? retryIn);

    [LoggerMessage(EventId = 3423, Level = LogLevel.Error, Message = "The broker refused a report: {Reason} {Text}; it stays in the outbox")]
    private partial void LogRefused(MqttReasonCode reason, string text);

    [LoggerMessage(EventId = 3424, Level = LogLevel.Error, Message = "The broker's session ended ({Reason}); a new one is opened in {Pause}")]
    private partial void LogSessionEnded(string reason, TimeSpan pause);

    [LoggerMessage(EventId = 3425, Level = LogLevel.Debug, Message = "The goodbye was not sent ({Reason}); the will says it")]
    private partial void LogGoodbyeFailed(string reason);
}

/// <summary>How reports are sent.</summary>
public sealed record PublisherOptions
{
    public int InFlight { get; init; } = 32;
    public int Batch { get; init; } = 64;
    /// <summary>A report that the controller has not acknowledged after this long is sent again.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>The same for one that the broker took while nobody listened.</summary>
    public TimeSpan ResendUnheard { get; init; } = TimeSpan.FromSeconds(3);
    public TimeSpan Reopen { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>A link that flaps shall not show as a device that comes and goes.</summary>
    public TimeSpan WillDelay { get; init; } = TimeSpan.FromSeconds(5);
}

using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Sessions;

namespace EdgeFleet.Mqtt;

/// <inheritdoc cref="IMqttSession"/>
public sealed class MqttSession : IMqttSession, IConnectionSink
{
    // Set in every loop that calls the owner, so that disposal from in there does not wait for itself.
    private static readonly AsyncLocal<MqttSession?> s_inside = new();

    private readonly MqttSessionOptions _options;
    private readonly TimeProvider _time;
    private readonly ReconnectDelay _delay;

    // Guards the state below and the order of packets on the wire. Never held across an await.
    private readonly Lock _gate = new();
    private readonly OutgoingPublishes _outgoing;
    private readonly Subscriptions _subscriptions;
    private readonly Inbox _inbox;
    private readonly HandlerLoop _handlers;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MqttConnection? _connection;
    private Task? _loop;
    private bool _running;
    private Exception? _over;
    private bool _cleanStart;
    private long _connects;
    private long _published;
    private long _acknowledged;
    private long _received;
    private long _droppedOnArrival;

    /// <param name="random">For the jitter; used by one loop at a time.</param>
    public MqttSession(MqttSessionOptions options, TimeProvider? time = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _time = time ?? TimeProvider.System;
        _cleanStart = options.CleanStart;
        _delay = new ReconnectDelay(options.ReconnectDelay, options.MaximumReconnectDelay, random ?? Random.Shared);
        PacketIds ids = new();
        _outgoing = new OutgoingPublishes(ids, options.MaximumPending);
        _subscriptions = new Subscriptions(ids);
        _inbox = new Inbox(options.ReceiveMaximum);
        _handlers = new HandlerLoop(_inbox, _subscriptions, options, Acknowledge, HandlerFailed);
        // Whoever does not look at Completion shall not be told of it by the finalizer.
        _ = _completion.Task.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    public bool IsConnected
    {
        get
        {
            lock (_gate)
            {
                return _connection is { IsOpen: true };
            }
        }
    }

    public Task Completion => _completion.Task;

    public MqttSessionCounters Counters
    {
        get
        {
            lock (_gate)
            {
                return new MqttSessionCounters(
                    Volatile.Read(ref _connects), _published, _acknowledged, _outgoing.Resent, Volatile.Read(ref _received),
                    Volatile.Read(ref _droppedOnArrival), _handlers.Discarded);
            }
        }
    }

    public async Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Begin(first, cancellationToken);
        await first.Task;
    }

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Begin(null, CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task<MqttAck> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Validate();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<MqttAck>(cancellationToken);
        }
        PendingPublish pending;
        lock (_gate)
        {
            if (_over is not null)
            {
                return Task.FromException<MqttAck>(EndedException());
            }
            if (message.Qos == MqttQos.AtMostOnce)
            {
                return Task.FromResult(PublishAtMostOnce(message));
            }
            if (_outgoing.Add(message) is not { } added)
            {
                return Task.FromException<MqttAck>(new MqttException(
                    $"{_options.MaximumPending} publishes of '{_options.ClientId}' wait for their acknowledgement already", MqttReasonCode.QuotaExceeded));
            }
            pending = added;
            _published++;
            Pump();
        }
        if (cancellationToken.CanBeCanceled)
        {
            pending.Cancellation = cancellationToken.UnsafeRegister((_, token) => Abandon(pending, token), null);
        }
        return pending.Acknowledged;
    }

    public async Task<MqttQos> SubscribeAsync(
        string filter, MqttQos qos, Func<MqttReceivedMessage, CancellationToken, Task> handler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (MqttTopic.FilterFault(filter) is { } fault)
        {
            throw new ArgumentException(fault);
        }
        if (qos is not (MqttQos.AtMostOnce or MqttQos.AtLeastOnce))
        {
            throw new NotSupportedException($"QoS {(int)qos} for '{filter}': this client subscribes at QoS 0 and 1 only");
        }
        return await Ask(new Subscription(filter, qos, handler)).WaitAsync(cancellationToken);
    }

    public async Task UnsubscribeAsync(string filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await Ask(new Subscription(filter, MqttQos.AtMostOnce, null)).WaitAsync(cancellationToken);
    }

    public async Task DisconnectAsync(CancellationToken cancellationToken = default)
    {
        await RequestStopAsync();
        await Completion.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await RequestStopAsync();
        if (s_inside.Value != this && _loop is { } loop)
        {
            await loop;
        }
    }

    void IConnectionSink.OnPublish(MqttConnection connection, in PublishPacket packet)
    {
        Interlocked.Increment(ref _received);
        if (packet.Qos == MqttQos.AtLeastOnce && !connection.TryReceive())
        {
            throw new MqttProtocolException(
                MqttReasonCode.ReceiveMaximumExceeded, $"the broker sent more than {_options.ReceiveMaximum} unacknowledged messages");
        }
        switch (_inbox.Add(packet, connection.Number))
        {
            case Inbox.Admission.Dropped:
                Interlocked.Increment(ref _droppedOnArrival);
                break;
            case Inbox.Admission.Full:
                connection.End(new ConnectionEnd(
                    MqttDisconnectCause.HandlerFailed, "the handlers are far behind; the broker keeps the rest", MqttReasonCode.QuotaExceeded, null, MqttReasonCode.QuotaExceeded));
                break;
        }
    }

    void IConnectionSink.OnPubAck(in PubAckPacket packet)
    {
        PendingPublish? publish;
        lock (_gate)
        {
            publish = _outgoing.Acknowledge(packet.PacketId);
            if (publish is not null)
            {
                _acknowledged++;
            }
        }
        publish?.Complete((packet.ReasonCode, packet.ReasonString) switch
        {
            (MqttReasonCode.Success, null) => MqttAck.Accepted,
            (MqttReasonCode.NoMatchingSubscribers, null) => MqttAck.Unmatched,
            _ => new MqttAck(packet.ReasonCode, packet.ReasonString),
        });
    }

    void IConnectionSink.OnFilterAck(MqttConnection connection, in FilterAckPacket packet)
    {
        lock (_gate)
        {
            if (_subscriptions.Answer(packet.PacketId) is not { } subscription)
            {
                return;
            }
            if (packet.ReasonCode < MqttReasonCode.UnspecifiedError)
            {
                subscription.IsSettled = true;
                subscription.WasGranted = true;
                subscription.Granted.TrySetResult((MqttQos)Math.Min((int)packet.ReasonCode, 1));
                if (subscription.Handler is null)
                {
                    _subscriptions.Remove(subscription);
                }
                return;
            }
            string detail = $"the broker refuses filter '{subscription.Filter}': {packet.ReasonString ?? packet.ReasonCode.ToString()}";
            if (subscription.WasGranted)
            {
                connection.End(new ConnectionEnd(MqttDisconnectCause.SubscriptionRefused, detail, packet.ReasonCode, null, MqttReasonCode.UnspecifiedError));
                return;
            }
            _subscriptions.Remove(subscription);
            subscription.Granted.TrySetException(new MqttException(detail, packet.ReasonCode));
        }
    }

    void IConnectionSink.OnRoom()
    {
        lock (_gate)
        {
            Pump();
        }
    }

    private void Begin(TaskCompletionSource? first, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_over is not null || _stop.IsCancellationRequested, this);
            if (_running)
            {
                throw new InvalidOperationException($"session '{_options.ClientId}' is running already");
            }
            _running = true;
            _loop = Task.Run(() => RunAsync(first, cancellationToken), CancellationToken.None);
        }
    }

    private async Task RunAsync(TaskCompletionSource? first, CancellationToken firstToken)
    {
        s_inside.Value = this;
        if (first is not null)
        {
            using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, firstToken);
            MqttConnection connection;
            try
            {
                connection = await OpenAsync(either.Token);
            }
            catch (Exception exception)
            {
                // Nothing has begun: the caller of ConnectAsync decides, and may start the session again.
                Rest();
                first.TrySetException(_stop.IsCancellationRequested ? new ObjectDisposedException(nameof(MqttSession))
                    : exception is OperationCanceledException ? new OperationCanceledException(firstToken)
                    : exception);
                return;
            }
            await LiveAsync(connection, first);
            return;
        }
        await LiveAsync(null, null);
    }

    /// <summary>Back to not started, unless somebody wants the end meanwhile.</summary>
    private void Rest()
    {
        lock (_gate)
        {
            _running = false;
        }
        if (_stop.IsCancellationRequested)
        {
            Finish(null);
        }
    }

    /// <summary>The session's life from its first link, or from its first attempt, until it is over.</summary>
    private async Task LiveAsync(MqttConnection? connection, TaskCompletionSource? first)
    {
        Task handlers = Task.Run(() =>
        {
            s_inside.Value = this;
            return _handlers.RunAsync(_stop.Token);
        }, CancellationToken.None);
        Exception? failure = null;
        try
        {
            while (true)
            {
                ConnectionEnd end;
                if (connection is null)
                {
                    try
                    {
                        connection = await OpenAsync(_stop.Token);
                    }
                    catch (MqttException exception)
                    {
                        end = new ConnectionEnd(MqttDisconnectCause.ConnectFailed, exception.Message, exception.ReasonCode, exception);
                        await PauseAsync(end);
                        continue;
                    }
                }
                long began = _time.GetTimestamp();
                end = await ServeAsync(connection, first);
                connection = null;
                if (_time.GetElapsedTime(began) >= _options.StableAfter)
                {
                    _delay.Reset();
                }
                if (end.Cause is MqttDisconnectCause.Requested or MqttDisconnectCause.SessionTakenOver)
                {
                    failure = end.Cause == MqttDisconnectCause.SessionTakenOver ? new MqttException(end.Detail, end.ReasonCode) : null;
                    await NotifyAsync(end, null);
                    break;
                }
                await PauseAsync(end);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Asked to stop while there was no link.
        }
        catch (Exception exception)
        {
            // The owner's own callback threw: nobody here can know what to do next, so the session ends and says so in Completion.
            failure = exception;
        }
        Finish(failure);
        _inbox.Complete();
        await _stop.CancelAsync();
        await handlers;
    }

    private async Task<MqttConnection> OpenAsync(CancellationToken cancellationToken)
    {
        MqttWill? will = null;
        try
        {
            will = _options.WillFactory?.Invoke();
            will?.Message.Validate();
        }
        catch (IOException exception)
        {
            // Where the owner keeps its epoch may be full or away; that passes.
            throw new MqttException($"the will could not be made: {exception.Message}", null, exception);
        }
        return await MqttConnector.OpenAsync(_options, _cleanStart, will, _time, _gate, cancellationToken);
    }

    private async Task<ConnectionEnd> ServeAsync(MqttConnection connection, TaskCompletionSource? first)
    {
        connection.Number = Interlocked.Increment(ref _connects);
        _cleanStart = false;
        bool sessionPresent = connection.ConnAck.SessionPresent;
        lock (_gate)
        {
            _connection = connection;
            _inbox.Begin(connection.Number, sessionPresent);
            // Subscriptions first: what we publish may be for ourselves.
            foreach (Subscription subscription in _subscriptions.Begin(sessionPresent))
            {
                Write(connection, subscription);
            }
            _outgoing.Begin(connection.Number, sessionPresent, connection.ReceiveMaximum);
            Pump();
            connection.Flush();
        }
        first?.TrySetResult();
        Task callback = NotifyConnectedAsync(connection, sessionPresent);
        using (connection)
        {
            ConnectionEnd end = await connection.RunAsync(this, _stop.Token);
            lock (_gate)
            {
                _connection = null;
            }
            await callback;
            return end;
        }
    }

    private async Task NotifyConnectedAsync(MqttConnection connection, bool sessionPresent)
    {
        if (_options.OnConnected is not { } callback)
        {
            return;
        }
        try
        {
            await Task.Yield();
            await callback(new MqttConnected(sessionPresent, connection.Number), connection.Ended);
        }
        catch (OperationCanceledException) when (connection.Ended.IsCancellationRequested)
        {
            // The link ended under it; the next connect calls again.
        }
        catch (Exception exception)
        {
            connection.End(new ConnectionEnd(
                MqttDisconnectCause.CallbackFailed, $"OnConnected failed: {exception.Message}", null, exception, MqttReasonCode.ImplementationSpecificError));
        }
    }

    private async Task PauseAsync(ConnectionEnd end)
    {
        TimeSpan pause = _delay.Next();
        await NotifyAsync(end, pause);
        await Task.Delay(pause, _time, _stop.Token);
    }

    private async Task NotifyAsync(ConnectionEnd end, TimeSpan? retryIn)
    {
        if (_options.OnDisconnected is { } callback)
        {
            await callback(new MqttDisconnected(end.Cause, end.Detail, end.ReasonCode, end.Exception, retryIn), _stop.Token);
        }
    }

    /// <summary>Gate. Puts on the wire what the broker and the socket will take.</summary>
    private void Pump()
    {
        if (_connection is not { } connection)
        {
            return;
        }
        bool wrote = false;
        while (connection.HasRoom && _outgoing.TryTake(out PendingPublish publish, out bool duplicate))
        {
            if (Obstacle(connection, publish.Message) is { } obstacle)
            {
                _outgoing.Withdraw(publish);
                publish.Fail(obstacle);
                continue;
            }
            connection.Wrote(PacketEncoder.Publish(connection.Output, publish.Message, publish.PacketId, duplicate));
            wrote = true;
        }
        if (wrote)
        {
            connection.Flush();
        }
    }

    /// <summary>Gate.</summary>
    private MqttAck PublishAtMostOnce(MqttMessage message)
    {
        if (_connection is not { HasRoom: true } connection)
        {
            return MqttAck.Dropped;
        }
        if (Obstacle(connection, message) is { } obstacle)
        {
            return new MqttAck(obstacle.ReasonCode!.Value, obstacle.Message);
        }
        connection.Wrote(PacketEncoder.Publish(connection.Output, message, 0, duplicate: false));
        connection.Flush();
        return MqttAck.Accepted;
    }

    /// <summary>Why this broker would throw us out for the message, or null.</summary>
    private static MqttException? Obstacle(MqttConnection connection, MqttMessage message)
    {
        if (message.Retain && !connection.ConnAck.Properties.RetainAvailable)
        {
            return new MqttException($"the broker keeps no messages; '{message.Topic}' is to be retained", MqttReasonCode.RetainNotSupported);
        }
        long size = PacketEncoder.PublishSize(message);
        return size > connection.MaximumPacketSize
            ? new MqttException($"a packet of {size} bytes for '{message.Topic}' exceeds the broker's maximum of {connection.MaximumPacketSize}", MqttReasonCode.PacketTooLarge)
            : null;
    }

    private Task<MqttQos> Ask(Subscription subscription)
    {
        lock (_gate)
        {
            if (_over is not null)
            {
                return Task.FromException<MqttQos>(EndedException());
            }
            _subscriptions.Set(subscription);
            if (_connection is { IsOpen: true } connection)
            {
                Write(connection, subscription);
                connection.Flush();
            }
        }
        return subscription.Granted.Task;
    }

    /// <summary>Gate.</summary>
    private void Write(MqttConnection connection, Subscription subscription)
    {
        ushort id = _subscriptions.Ask(subscription);
        connection.Wrote(subscription.Handler is null
            ? PacketEncoder.Unsubscribe(connection.Output, id, subscription.Filter)
            : PacketEncoder.Subscribe(connection.Output, id, subscription.Filter, subscription.Qos));
    }

    private void Acknowledge(InboundMessage message, MqttReasonCode reason)
    {
        lock (_gate)
        {
            // A packet id belongs to the link that it came on; on a later one it may name another message.
            if (_connection is { } connection && connection.Number == message.Link)
            {
                connection.Acknowledge(message.Packet.PacketId, reason);
            }
        }
    }

    private void HandlerFailed(InboundMessage message, Exception exception)
    {
        lock (_gate)
        {
            if (_connection is { } connection && connection.Number == message.Link)
            {
                connection.End(new ConnectionEnd(
                    MqttDisconnectCause.HandlerFailed, $"the handler of '{message.Packet.Message!.Topic}' failed: {exception.Message}", null, exception,
                    MqttReasonCode.ImplementationSpecificError));
            }
        }
    }

    private void Abandon(PendingPublish publish, CancellationToken token)
    {
        lock (_gate)
        {
            if (publish.Cancel(token))
            {
                _outgoing.Abandoned(publish);
            }
        }
    }

    private async Task RequestStopAsync()
    {
        bool idle;
        lock (_gate)
        {
            idle = !_running;
        }
        await _stop.CancelAsync();
        if (idle)
        {
            Finish(null);
        }
    }

    private void Finish(Exception? failure)
    {
        IReadOnlyList<PendingPublish> publishes;
        Subscription[] subscriptions;
        Exception ended;
        lock (_gate)
        {
            if (_over is not null)
            {
                return;
            }
            _over = failure ?? new ObjectDisposedException($"MQTT session '{_options.ClientId}'");
            ended = EndedException();
            publishes = _outgoing.TakeAll();
            subscriptions = [.. _subscriptions.All];
        }
        foreach (PendingPublish publish in publishes)
        {
            publish.Fail(ended);
        }
        foreach (Subscription subscription in subscriptions)
        {
            subscription.Granted.TrySetException(ended);
        }
        if (failure is null)
        {
            _completion.TrySetResult();
        }
        else
        {
            _completion.TrySetException(failure);
        }
    }

    private MqttException EndedException() =>
        new($"session '{_options.ClientId}' has ended: {_over!.Message}", (_over as MqttException)?.ReasonCode, _over);
}

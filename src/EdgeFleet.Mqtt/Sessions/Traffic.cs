using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// What a session owes and is owed, whichever link is up: publishes, subscriptions and messages for the handlers. One gate guards
/// it and the order of packets on the wire; it is never held across an await.
/// </summary>
internal sealed class Traffic : IConnectionSink
{
    private readonly MqttSessionOptions _options;
    private readonly OutgoingPublishes _outgoing;
    private readonly Subscriptions _subscriptions;
    private readonly Inbox _inbox;
    private readonly HandlerLoop _handlers;
    private MqttConnection? _connection;
    private MqttException? _over;
    private long _connects;
    private long _published;
    private long _acknowledged;
    private long _received;
    private long _droppedOnArrival;

    public Traffic(MqttSessionOptions options)
    {
        _options = options;
        PacketIds ids = new();
        _outgoing = new OutgoingPublishes(ids, options.MaximumPending);
        _subscriptions = new Subscriptions(ids);
        _inbox = new Inbox(options.ReceiveMaximum);
        _handlers = new HandlerLoop(_inbox, _subscriptions, options, Acknowledge, EndLink);
    }

    public Lock Gate { get; } = new();

    public bool IsConnected
    {
        get
        {
            lock (Gate)
            {
                return _connection is { IsOpen: true };
            }
        }
    }

    public MqttSessionCounters Counters
    {
        get
        {
            lock (Gate)
            {
                return new MqttSessionCounters(
                    _connects, _published, _acknowledged, _outgoing.Resent, Volatile.Read(ref _received), Volatile.Read(ref _droppedOnArrival),
                    _handlers.Discarded, _handlers.Failed);
            }
        }
    }

    /// <summary>Runs the handlers until the token is cancelled; waits for those that have begun.</summary>
    public Task HandleAsync(CancellationToken stop) => _handlers.RunAsync(stop);

    public Task<MqttAck> Publish(MqttMessage message, CancellationToken cancellationToken)
    {
        PendingPublish pending;
        lock (Gate)
        {
            if (_over is not null)
            {
                return Task.FromException<MqttAck>(_over);
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
            // Before it can complete, because completing it is what takes this off the token again.
            pending.Cancellation = cancellationToken.UnsafeRegister((_, token) => Abandon(pending, token), null);
            Pump();
        }
        return pending.Acknowledged;
    }

    /// <summary>Says a wish about a filter to the broker, now or as soon as there is a link.</summary>
    public Task<MqttQos> Ask(Subscription subscription)
    {
        lock (Gate)
        {
            if (_over is not null)
            {
                return Task.FromException<MqttQos>(_over);
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

    /// <summary>A link is up. Says and sends again what the broker has forgotten or never got.</summary>
    public void Attach(MqttConnection connection)
    {
        bool sessionPresent = connection.ConnAck.SessionPresent;
        lock (Gate)
        {
            connection.Number = ++_connects;
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
    }

    public void Detach()
    {
        lock (Gate)
        {
            _connection = null;
        }
    }

    public void EndLink(ConnectionEnd end)
    {
        lock (Gate)
        {
            _connection?.End(end);
        }
    }

    /// <summary>Fails whatever is pending and whatever comes.</summary>
    public void End(MqttException reason)
    {
        IReadOnlyList<PendingPublish> publishes;
        Subscription[] subscriptions;
        lock (Gate)
        {
            _over = reason;
            publishes = _outgoing.TakeAll();
            subscriptions = [.. _subscriptions.All];
        }
        _inbox.Complete();
        foreach (PendingPublish publish in publishes)
        {
            publish.Fail(reason);
        }
        foreach (Subscription subscription in subscriptions)
        {
            subscription.Granted.TrySetException(reason);
        }
    }

    bool IConnectionSink.IsCongested => _inbox.IsCongested;

    Task IConnectionSink.WaitForRoomAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken) =>
        _inbox.WaitForRoomAsync(patience, time, cancellationToken);

    void IConnectionSink.OnPublish(MqttConnection connection, in PublishPacket packet)
    {
        Interlocked.Increment(ref _received);
        if (!_inbox.Add(packet, connection.Number))
        {
            Interlocked.Increment(ref _droppedOnArrival);
        }
    }

    void IConnectionSink.OnPubAck(MqttConnection connection, in PubAckPacket packet)
    {
        PendingPublish? publish;
        lock (Gate)
        {
            publish = _outgoing.Acknowledge(packet.PacketId);
            if (publish is not null)
            {
                _acknowledged++;
            }
        }
        publish?.Complete(new MqttAck(packet.ReasonCode, packet.ReasonString, connection.Number));
    }

    void IConnectionSink.OnFilterAck(MqttConnection connection, in FilterAckPacket packet)
    {
        lock (Gate)
        {
            if (_subscriptions.Answer(packet.PacketId) is not { } subscription)
            {
                return;
            }
            if (packet.ReasonCode < MqttReasonCode.UnspecifiedError)
            {
                _subscriptions.Settle(subscription, (MqttQos)Math.Min((int)packet.ReasonCode, 1));
                return;
            }
            string detail = $"the broker refuses filter '{subscription.Filter}': {packet.ReasonString ?? packet.ReasonCode.ToString()}";
            if (subscription.WasGranted)
            {
                // The owner counts on it and has no task to learn it from; the next connects will tell whether it was a whim.
                connection.End(new ConnectionEnd(MqttDisconnectCause.SubscriptionRefused, detail, packet.ReasonCode, null, MqttReasonCode.UnspecifiedError));
                return;
            }
            _subscriptions.Remove(subscription);
            subscription.Granted.TrySetException(new MqttException(detail, packet.ReasonCode));
        }
    }

    void IConnectionSink.OnRoom()
    {
        lock (Gate)
        {
            Pump();
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
            if (TryWrite(connection, publish, duplicate) is { } obstacle)
            {
                _outgoing.Withdraw(publish);
                publish.Fail(obstacle);
                continue;
            }
            wrote = true;
        }
        if (wrote)
        {
            connection.Flush();
        }
    }

    /// <summary>Gate. Why the message cannot be sent, or null; then it is in the pipe, whole.</summary>
    private static Exception? TryWrite(MqttConnection connection, PendingPublish publish, bool duplicate)
    {
        try
        {
            if (Obstacle(connection, publish.Message) is { } obstacle)
            {
                return obstacle;
            }
            connection.Wrote(PacketEncoder.Publish(connection.Output, publish.Message, publish.PacketId, duplicate));
            return null;
        }
        catch (Exception exception)
        {
            // Its owner has changed it or disposed its payload since the call; the messages of others are not to suffer for it.
            return exception;
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
            return new MqttAck(obstacle.ReasonCode!.Value, obstacle.Message, connection.Number);
        }
        connection.Wrote(PacketEncoder.Publish(connection.Output, message, 0, duplicate: false));
        connection.Flush();
        return new MqttAck(MqttReasonCode.Success, null, connection.Number);
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

    /// <summary>Gate.</summary>
    private void Write(MqttConnection connection, Subscription subscription)
    {
        ushort id = _subscriptions.Ask(subscription);
        connection.Wrote(subscription.Handler is null
            ? PacketEncoder.Unsubscribe(connection.Output, id, subscription.Filter)
            : PacketEncoder.Subscribe(connection.Output, id, subscription.Filter, subscription.Qos, again: subscription.WasGranted));
    }

    private void Acknowledge(InboundMessage message, MqttReasonCode reason)
    {
        lock (Gate)
        {
            // A packet id belongs to the link that it came on; on a later one it may name another message.
            if (_connection is { } connection && connection.Number == message.Link)
            {
                connection.Acknowledge(message.Packet.PacketId, reason);
            }
        }
    }

    /// <summary>Unless the link has ended already.</summary>
    private void EndLink(InboundMessage message, ConnectionEnd end)
    {
        lock (Gate)
        {
            if (_connection is { } connection && connection.Number == message.Link)
            {
                connection.End(end);
            }
        }
    }

    private void Abandon(PendingPublish publish, CancellationToken token)
    {
        lock (Gate)
        {
            if (publish.Cancel(token))
            {
                _outgoing.Abandoned(publish);
            }
        }
    }
}

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>One filter that the owner wants, or wants no more.</summary>
internal sealed class Subscription(string filter, MqttQos qos, Func<MqttReceivedMessage, CancellationToken, Task>? handler)
{
    public string Filter { get; } = filter;

    public MqttQos Qos { get; } = qos;

    /// <summary>Null: this is the removal of the filter.</summary>
    public Func<MqttReceivedMessage, CancellationToken, Task>? Handler { get; } = handler;

    /// <summary>The broker has answered on the session that it holds now.</summary>
    public bool IsSettled { get; set; }

    /// <summary>The broker has answered at least once.</summary>
    public bool WasGranted { get; set; }

    public TaskCompletionSource<MqttQos> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// The filters of a session, what the broker knows of them, and whose handler a message is for.
/// Not thread-safe except <see cref="Handlers"/>: the session's gate guards the rest.
/// </summary>
internal sealed class Subscriptions(PacketIds ids)
{
    private readonly Dictionary<string, Subscription> _byFilter = new(StringComparer.Ordinal);
    private readonly Dictionary<ushort, Subscription> _asked = [];
    private volatile Subscription[] _active = [];

    public void Set(Subscription subscription)
    {
        if (_byFilter.TryGetValue(subscription.Filter, out Subscription? previous))
        {
            previous.Granted.TrySetException(new MqttException($"subscription to '{subscription.Filter}' was replaced before the broker answered"));
        }
        _byFilter[subscription.Filter] = subscription;
        Publish();
    }

    /// <summary>
    /// A new link: everything is said again, also on a session that the broker kept. mosquitto writes sessions to disk without
    /// their shared subscriptions: after its restart it says that the session is there, and delivers nothing.
    /// </summary>
    public IReadOnlyList<Subscription> Begin(bool sessionPresent)
    {
        foreach (ushort id in _asked.Keys)
        {
            ids.Release(id);
        }
        _asked.Clear();
        foreach (Subscription subscription in _byFilter.Values.ToArray())
        {
            subscription.IsSettled = false;
            if (!sessionPresent && subscription.Handler is null)
            {
                // A broker that forgot the session needs no telling that a filter is gone.
                subscription.Granted.TrySetResult(MqttQos.AtMostOnce);
                _byFilter.Remove(subscription.Filter);
            }
        }
        return [.. _byFilter.Values];
    }

    public ushort Ask(Subscription subscription)
    {
        ushort id = ids.Take();
        _asked.Add(id, subscription);
        return id;
    }

    /// <summary>Null where no such question is open.</summary>
    public Subscription? Answer(ushort packetId)
    {
        if (!_asked.Remove(packetId, out Subscription? subscription))
        {
            return null;
        }
        ids.Release(packetId);
        return subscription;
    }

    /// <summary>The broker has agreed.</summary>
    public void Settle(Subscription subscription, MqttQos qos)
    {
        subscription.IsSettled = true;
        subscription.WasGranted = true;
        subscription.Granted.TrySetResult(qos);
        if (subscription.Handler is null)
        {
            Remove(subscription);
        }
    }

    /// <summary>Only if it is still the one in force for its filter.</summary>
    public void Remove(Subscription subscription)
    {
        if (_byFilter.TryGetValue(subscription.Filter, out Subscription? current) && ReferenceEquals(current, subscription))
        {
            _byFilter.Remove(subscription.Filter);
            Publish();
        }
    }

    public IEnumerable<Subscription> All => _byFilter.Values;

    /// <summary>The handlers whose filter matches. Any thread.</summary>
    public List<Func<MqttReceivedMessage, CancellationToken, Task>> Handlers(string topic)
    {
        List<Func<MqttReceivedMessage, CancellationToken, Task>> handlers = new(1);
        foreach (Subscription subscription in _active)
        {
            if (MqttTopic.Matches(subscription.Filter, topic))
            {
                handlers.Add(subscription.Handler!);
            }
        }
        return handlers;
    }

    private void Publish() => _active = [.. _byFilter.Values.Where(subscription => subscription.Handler is not null)];
}

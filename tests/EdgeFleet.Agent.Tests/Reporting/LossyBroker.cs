using EdgeFleet.Mqtt;

namespace EdgeFleet.Agent.Tests.Reporting;

/// <summary>A broker's session that goes away when told, and that may acknowledge a message and lose it all the same.</summary>
internal sealed class LossyBroker(MqttSessionOptions options, Func<MqttMessage, bool> loses, Action<MqttMessage> delivered) : IMqttSession
{
    private readonly Lock _gate = new();
    private readonly List<(MqttMessage Message, TaskCompletionSource<MqttAck> Ack)> _waiting = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _connects;

    public bool IsConnected { get; private set; }
    public Task Completion => _completion.Task;
    public MqttSessionCounters Counters => default;

    /// <summary>No controller has subscribed: the broker takes a report, says so, and drops it.</summary>
    public bool NobodyListens { get; set; }

    /// <summary>Publishes that were unacknowledged at the same time.</summary>
    public int MostWaiting { get; private set; }

    public async Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        options.WillFactory?.Invoke();
        lock (_gate)
        {
            // A kept session sends what was on its way before anything new.
            foreach ((MqttMessage message, TaskCompletionSource<MqttAck> ack) in _waiting)
            {
                Take(message);
                ack.SetResult(new MqttAck(MqttReasonCode.Success));
            }
            _waiting.Clear();
            IsConnected = true;
        }
        await options.OnConnected!(new MqttConnected(true, ++_connects), cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken = default) => ConnectAsync(cancellationToken);

    public void Cut()
    {
        lock (_gate)
        {
            IsConnected = false;
        }
    }

    public Task<MqttAck> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (!IsConnected)
            {
                TaskCompletionSource<MqttAck> ack = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add((message, ack));
                MostWaiting = Math.Max(MostWaiting, _waiting.Count);
                return ack.Task.WaitAsync(cancellationToken);
            }
            if (NobodyListens)
            {
                return Task.FromResult(new MqttAck(MqttReasonCode.NoMatchingSubscribers));
            }
            Take(message);
        }
        return Task.FromResult(new MqttAck(MqttReasonCode.Success));
    }

    public Task<MqttQos> SubscribeAsync(string filter, MqttQos qos, Func<MqttReceivedMessage, CancellationToken, Task> handler, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException("A device subscribes to nothing.");

    public Task UnsubscribeAsync(string filter, CancellationToken cancellationToken = default) => throw new NotSupportedException("A device subscribes to nothing.");

    public Task DisconnectAsync(CancellationToken cancellationToken = default)
    {
        _completion.TrySetResult();
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _completion.TrySetResult();
        return ValueTask.CompletedTask;
    }

    private void Take(MqttMessage message)
    {
        if (!loses(message))
        {
            delivered(message);
        }
    }
}

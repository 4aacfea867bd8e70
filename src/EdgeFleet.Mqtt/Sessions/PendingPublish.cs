namespace EdgeFleet.Mqtt.Sessions;

/// <summary>A QoS 1 message from the call until its acknowledgement.</summary>
internal sealed class PendingPublish(MqttMessage message, long sequence)
{
    private readonly TaskCompletionSource<MqttAck> _acknowledged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MqttMessage Message { get; } = message;

    /// <summary>Order of the calls, which is the order of sending and of sending again.</summary>
    public long Sequence { get; } = sequence;

    /// <summary>Zero until it is first sent.</summary>
    public ushort PacketId { get; set; }

    /// <summary>The link that it was last sent on; zero: never.</summary>
    public long SentOn { get; set; }

    public bool IsAbandoned => _acknowledged.Task.IsCompleted;

    public Task<MqttAck> Acknowledged => _acknowledged.Task;

    /// <summary>Set and taken off with the session's gate held in between, so that neither misses the other.</summary>
    public CancellationTokenRegistration Cancellation { get; set; }

    public void Complete(MqttAck ack)
    {
        _acknowledged.TrySetResult(ack);
        // Not Dispose: that waits for a callback that has begun, which may wait for the gate, which the caller may hold.
        Cancellation.Unregister();
    }

    public void Fail(Exception exception)
    {
        _acknowledged.TrySetException(exception);
        Cancellation.Unregister();
    }

    public bool Cancel(CancellationToken token) => _acknowledged.TrySetCanceled(token);
}

namespace EdgeFleet.Mqtt;

/// <summary>
/// One client id at one broker, over as many links as it takes.
/// <para>
/// Threads: a session owns no thread. Its loops run on the pool and none of them waits for a handler, so acknowledgements of
/// publishes arrive however slow the handlers are. Handlers are started one after another in order of arrival, at most
/// <see cref="MqttSessionOptions.HandlerConcurrency"/> unfinished at a time (1: strictly one by one). A QoS 1 message is
/// acknowledged after its handler has completed, in order of arrival. Any member may be called from any thread, and
/// from inside handlers and callbacks.
/// </para>
/// </summary>
public interface IMqttSession : IAsyncDisposable
{
    bool IsConnected { get; }

    /// <summary>
    /// Completes when the session has ended for good: after <see cref="DisconnectAsync"/> or disposal, with an
    /// <see cref="MqttException"/> when another client took the session over, or with whatever exception was not expected, be it
    /// from <see cref="MqttSessionOptions.OnDisconnected"/> or a bug of the session's own. An owner watches it: nothing goes on then.
    /// </summary>
    Task Completion { get; }

    MqttSessionCounters Counters { get; }

    /// <summary>Connects once and throws where that fails (the session may then be started again); afterwards reconnects by itself.</summary>
    Task ConnectAsync(CancellationToken cancellationToken = default);

    /// <summary>Returns at once and goes on connecting in the background until it succeeds.</summary>
    Task StartAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// QoS 1: completes with the broker's acknowledgement, over reconnects if need be. The message is sent in order of the
    /// calls. Cancelling gives up waiting; a message that is already in flight may still be delivered.
    /// QoS 0: completes at once, with <see cref="MqttAck.Dropped"/> where there is no link.
    /// </summary>
    /// <exception cref="MqttException">The broker cannot take such a message, too many are pending, or the session ended.</exception>
    Task<MqttAck> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default);

    /// <summary>
    /// Registers the handler at once (call it before connecting, so that what a kept session has queued finds it) and completes
    /// with the granted QoS. The subscription is made again whenever the broker has forgotten the session. Filters of one session
    /// should not overlap: a broker may deliver one message once for each.
    /// </summary>
    Task<MqttQos> SubscribeAsync(
        string filter, MqttQos qos, Func<MqttReceivedMessage, CancellationToken, Task> handler, CancellationToken cancellationToken = default);

    /// <summary>Takes the handler away at once and completes when the broker has dropped the subscription.</summary>
    Task UnsubscribeAsync(string filter, CancellationToken cancellationToken = default);

    /// <summary>Ends the session cleanly: the broker sends no will. What is still pending fails. The broker keeps the session until its expiry.</summary>
    Task DisconnectAsync(CancellationToken cancellationToken = default);
}

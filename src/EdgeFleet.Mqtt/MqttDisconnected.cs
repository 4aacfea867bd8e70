namespace EdgeFleet.Mqtt;

/// <summary>Why a link ended or could not be made.</summary>
public enum MqttDisconnectCause
{
    Requested,
    ConnectFailed,
    ConnectionLost,

    /// <summary>The broker closed the link and said nothing.</summary>
    BrokerClosed,
    BrokerDisconnected,
    PingTimeout,
    ProtocolError,

    /// <summary>Another client uses this client id. The session stops: both would throw each other out for ever.</summary>
    SessionTakenOver,

    /// <summary>
    /// The broker accepts every connect and closes each link soon without a word: what a client sees whose id somebody else uses
    /// too, at a broker that does not say so (mosquitto 2.0.11). The session goes on, at its longest pause; the owner may end it.
    /// </summary>
    SuspectedTakeOver,

    /// <summary>A handler threw and the message shall come again.</summary>
    HandlerFailed,

    /// <summary>The owner's OnConnected or OnHandlerFailed threw.</summary>
    CallbackFailed,

    /// <summary>The broker forgot the session and then refused a subscription that it had granted before.</summary>
    SubscriptionRefused,

    /// <summary>
    /// An exception that this client does not expect: a bug in it. The session stops, because a state that nobody understands
    /// must not go on to acknowledge messages; <see cref="IMqttSession.Completion"/> carries the exception.
    /// </summary>
    Faulted,
}

/// <summary>The end of a link, or a connect that failed.</summary>
/// <param name="ReasonCode">What the broker or this client gave as reason, if anything.</param>
/// <param name="RetryIn">When the next connect is tried; null: the session has ended.</param>
public sealed record MqttDisconnected(
    MqttDisconnectCause Cause, string Detail, MqttReasonCode? ReasonCode, Exception? Exception, TimeSpan? RetryIn);

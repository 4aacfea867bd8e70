using System.Text;

namespace EdgeFleet.Mqtt;

/// <summary>How a session connects and behaves. Checked by the constructor of <see cref="MqttSession"/>.</summary>
public sealed record MqttSessionOptions
{
    public required string Host { get; init; }

    public int Port { get; init; } = 1883;

    public required string ClientId { get; init; }

    public string? UserName { get; init; }

    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>Null: plain TCP.</summary>
    public MqttTlsOptions? Tls { get; init; }

    /// <summary>Throws away what the broker has kept for this client id, on the first connect only.</summary>
    public bool CleanStart { get; init; }

    /// <summary>
    /// How long the broker keeps the session without a link; always sent, because a broker takes its absence as zero and
    /// forgets everything at each disconnect. <see cref="Timeout.InfiniteTimeSpan"/>: for ever.
    /// </summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.FromHours(1);

    /// <summary>After this long without traffic in either direction a ping is sent. Zero: none. The broker may shorten it.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A link that is silent for this long after a ping is dead.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>For name resolution, TCP, TLS and the broker's answer together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>QoS 1 messages that the broker may have on their way to us unacknowledged; also bounds the memory for messages that wait for a handler.</summary>
    public int ReceiveMaximum { get; init; } = 100;

    /// <summary>Handlers that may be unfinished at a time. They are started in order of arrival in any case.</summary>
    public int HandlerConcurrency { get; init; } = 1;

    /// <summary>Largest packet that we take, in bytes. The broker drops larger ones instead of sending them.</summary>
    public int MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>QoS 1 publishes that may be unacknowledged or waiting; one more is refused.</summary>
    public int MaximumPending { get; init; } = 10_000;

    /// <summary>Bounds the pause before a reconnect: a uniformly random part of this, doubled for each failure in a row.</summary>
    public TimeSpan ReconnectDelay { get; init; } = TimeSpan.FromMilliseconds(500);

    public TimeSpan MaximumReconnectDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A link that ended sooner than this counts as a failure for the back-off.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Asked before each connect attempt, so that a will can name the connect that it belongs to.</summary>
    public Func<MqttWill?>? WillFactory { get; init; }

    /// <summary>
    /// Called after each accepted connect, beside the traffic; the token is cancelled when that link ends.
    /// May publish and await the acknowledgement. An exception drops the link.
    /// </summary>
    public Func<MqttConnected, CancellationToken, Task>? OnConnected { get; init; }

    /// <summary>Called when a link has ended or a connect has failed, before the pause. An exception ends the session.</summary>
    public Func<MqttDisconnected, CancellationToken, Task>? OnDisconnected { get; init; }

    /// <summary>
    /// Called when a handler threw; decides what becomes of the message (at QoS 0 it is gone in any case). Null:
    /// <see cref="MqttFailureAction.Redeliver"/>. An exception drops the link, and the message comes again.
    /// </summary>
    public Func<MqttReceivedMessage, Exception, MqttFailureAction>? OnHandlerFailed { get; init; }

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Host);
        ArgumentException.ThrowIfNullOrEmpty(ClientId);
        Require(Port is > 0 and <= 65535, $"port {Port} is not between 1 and 65535");
        Require(Encoding.UTF8.GetByteCount(ClientId) <= 65535 && !ClientId.Contains('\0', StringComparison.Ordinal), "the client id is too long or contains a NUL");
        Require(ReceiveMaximum is > 0 and <= 65535, $"receive maximum {ReceiveMaximum} is not between 1 and 65535");
        Require(HandlerConcurrency is > 0, $"handler concurrency {HandlerConcurrency} is not positive");
        Require(MaximumPacketSize is >= 64 and <= 268_435_460, $"maximum packet size {MaximumPacketSize} is not between 64 and 268435460 bytes");
        Require(MaximumPending is > 0, $"maximum pending {MaximumPending} is not positive");
        Require(KeepAlive == TimeSpan.Zero || (KeepAlive >= TimeSpan.FromSeconds(1) && KeepAlive.TotalSeconds <= 65535), $"keep-alive {KeepAlive} is neither zero nor between 1 and 65535 seconds");
        Require(SessionExpiry >= TimeSpan.Zero || SessionExpiry == Timeout.InfiniteTimeSpan, $"session expiry {SessionExpiry} is negative");
        Require(PingTimeout > TimeSpan.Zero && ConnectTimeout > TimeSpan.Zero, "ping timeout and connect timeout must be positive");
        Require(ReconnectDelay > TimeSpan.Zero && MaximumReconnectDelay >= ReconnectDelay, "the reconnect delay must be positive and not above its maximum");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}

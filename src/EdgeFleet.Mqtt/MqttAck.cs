namespace EdgeFleet.Mqtt;

/// <summary>
/// What became of a publish. At QoS 1 it is the broker's PUBACK, which says that this broker has taken the message and no
/// more: a broker that is restarted may lose what it has acknowledged.
/// </summary>
/// <param name="Link">Which of the session's connects it came over, as in <see cref="MqttConnected.Number"/>.</param>
public sealed record MqttAck(MqttReasonCode ReasonCode, string? ReasonString = null, long Link = 0)
{
    /// <summary>QoS 0 only: there was no link, or it was congested, and the message was dropped.</summary>
    public static readonly MqttAck Dropped = new(MqttReasonCode.UnspecifiedError, "not sent: the session is not connected or the link is congested");

    /// <summary>The broker took the message, whether or not anybody subscribes to it.</summary>
    public bool IsSuccess => ReasonCode < MqttReasonCode.UnspecifiedError;
}

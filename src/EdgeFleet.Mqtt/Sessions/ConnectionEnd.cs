namespace EdgeFleet.Mqtt.Sessions;

/// <summary>Why a link ended. <see cref="Tell"/>: the reason to put into a DISCONNECT first; null where the peer is gone or has said it.</summary>
internal sealed record ConnectionEnd(
    MqttDisconnectCause Cause, string Detail, MqttReasonCode? ReasonCode = null, Exception? Exception = null, MqttReasonCode? Tell = null)
{
    public static readonly ConnectionEnd Requested =
        new(MqttDisconnectCause.Requested, "disconnected on request", MqttReasonCode.Success, null, MqttReasonCode.Success);
}

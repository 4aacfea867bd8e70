namespace EdgeFleet.Mqtt.Sessions;

/// <summary>Why a link ended. <see cref="Tell"/>: the reason to put into a DISCONNECT first; null where the peer is gone or has said it.</summary>
internal sealed record ConnectionEnd(
    MqttDisconnectCause Cause, string Detail, MqttReasonCode? ReasonCode = null, Exception? Exception = null, MqttReasonCode? Tell = null)
{
    public static readonly ConnectionEnd Requested =
        new(MqttDisconnectCause.Requested, "disconnected on request", MqttReasonCode.Success, null, MqttReasonCode.Success);

    public static ConnectionEnd Faulted(Exception exception) =>
        new(MqttDisconnectCause.Faulted, $"a bug in this client: {exception.Message}", null, exception, MqttReasonCode.ImplementationSpecificError);

    public static ConnectionEnd CallbackFailed(string callback, Exception exception) =>
        new(MqttDisconnectCause.CallbackFailed, $"{callback} failed: {exception.Message}", null, exception, MqttReasonCode.ImplementationSpecificError);
}

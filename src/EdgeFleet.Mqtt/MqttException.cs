namespace EdgeFleet.Mqtt;

/// <summary>
/// The broker or the link failed, or one of them broke the protocol. <see cref="ReasonCode"/> is what the broker said, or
/// what this client would say to it; null where the link failed without a word.
/// </summary>
public class MqttException : IOException
{
    public MqttException(string message, MqttReasonCode? reasonCode = null, Exception? innerException = null)
        : base(message, innerException) => ReasonCode = reasonCode;

    public MqttReasonCode? ReasonCode { get; }
}

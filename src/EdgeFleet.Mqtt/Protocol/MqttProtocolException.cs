namespace EdgeFleet.Mqtt.Protocol;

/// <summary>The broker sent something that MQTT 5 does not allow; the reason code is what we answer with.</summary>
internal sealed class MqttProtocolException(MqttReasonCode reasonCode, string message) : MqttException(message, reasonCode)
{
    public static MqttProtocolException Malformed(string message) => new(MqttReasonCode.MalformedPacket, message);
}

namespace EdgeFleet.Mqtt;

/// <summary>Quality of service of one message. <see cref="ExactlyOnce"/> exists on the wire and is refused by this client.</summary>
public enum MqttQos
{
    AtMostOnce = 0,
    AtLeastOnce = 1,
    ExactlyOnce = 2,
}

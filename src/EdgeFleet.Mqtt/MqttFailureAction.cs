namespace EdgeFleet.Mqtt;

/// <summary>What to do with a QoS 1 message whose handler threw.</summary>
public enum MqttFailureAction
{
    /// <summary>Leave it unacknowledged, drop the link and connect again after the back-off: the broker delivers it again.</summary>
    Redeliver,

    /// <summary>Acknowledge it with an error code: the broker forgets it.</summary>
    Refuse,
}

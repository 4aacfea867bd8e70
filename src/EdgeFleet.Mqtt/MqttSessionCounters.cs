namespace EdgeFleet.Mqtt;

/// <summary>What a session has done since it was made.</summary>
/// <param name="Resent">QoS 1 messages that were sent again after a reconnect.</param>
/// <param name="DroppedOnArrival">QoS 0 messages dropped because the handlers were behind.</param>
/// <param name="Discarded">Messages with no handler or with content that breaks the protocol's rules.</param>
/// <param name="HandlersFailed">Messages whose handler threw, at either QoS.</param>
public readonly record struct MqttSessionCounters(
    long Connects, long Published, long Acknowledged, long Resent, long Received, long DroppedOnArrival, long Discarded, long HandlersFailed);

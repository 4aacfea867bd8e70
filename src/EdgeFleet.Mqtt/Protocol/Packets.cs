namespace EdgeFleet.Mqtt.Protocol;

/// <summary>What the broker answered to CONNECT.</summary>
internal readonly record struct ConnAckPacket(bool SessionPresent, MqttReasonCode ReasonCode, PropertyBlock Properties);

/// <summary>PUBACK.</summary>
internal readonly record struct PubAckPacket(ushort PacketId, MqttReasonCode ReasonCode, string? ReasonString);

/// <summary>SUBACK or UNSUBACK of a single filter, which is all that we send.</summary>
internal readonly record struct FilterAckPacket(ushort PacketId, MqttReasonCode ReasonCode, string? ReasonString);

/// <summary>DISCONNECT from the broker.</summary>
internal readonly record struct DisconnectPacket(MqttReasonCode ReasonCode, string? ReasonString);

/// <summary>
/// PUBLISH. <see cref="Message"/> is null where the packet is whole but its content breaks the rules; <see cref="Fault"/> says how.
/// Content comes from whoever published it, so it must not cost us the link to the broker.
/// </summary>
internal readonly record struct PublishPacket(MqttQos Qos, ushort PacketId, MqttReceivedMessage? Message, string? Fault);

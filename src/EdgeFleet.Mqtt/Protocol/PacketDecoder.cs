namespace EdgeFleet.Mqtt.Protocol;

/// <summary>
/// Reads the bodies of the packets that a broker sends. Whatever does not follow MQTT 5 to the letter throws
/// <see cref="MqttProtocolException"/>; nothing else is ever thrown, whatever the bytes.
/// </summary>
internal static class PacketDecoder
{
    public static PacketType Type(byte header) => (PacketType)(header >> 4);

    /// <summary>All packets that we read have fixed flags, except PUBLISH.</summary>
    public static void RequireFlags(byte header)
    {
        if (Type(header) != PacketType.Publish && (header & 0x0F) != 0)
        {
            throw MqttProtocolException.Malformed($"{Type(header)} has flags 0x{header & 0x0F:X}");
        }
    }

    public static ConnAckPacket ConnAck(ReadOnlySpan<byte> body)
    {
        PacketReader reader = new(body);
        byte flags = reader.ReadByte("CONNACK flags");
        if (flags > 1)
        {
            throw MqttProtocolException.Malformed($"CONNACK flags are 0x{flags:X2}");
        }
        MqttReasonCode reason = (MqttReasonCode)reader.ReadByte("CONNACK reason");
        // A broker that only speaks MQTT 3.1.1 answers with two bytes and its own refusal codes.
        if (reader.AtEnd)
        {
            return reason == MqttReasonCode.Success
                ? throw MqttProtocolException.Malformed("CONNACK carries no properties: the broker does not speak MQTT 5")
                : new ConnAckPacket(false, (int)reason < 0x80 ? MqttReasonCode.UnsupportedProtocolVersion : reason, PropertyBlock.Empty);
        }
        PropertyBlock properties = LastProperties(ref reader, PacketType.ConnAck);
        if (reason != MqttReasonCode.Success && flags == 1)
        {
            throw new MqttProtocolException(MqttReasonCode.ProtocolError, "CONNACK refuses and yet claims a session");
        }
        if (reason != MqttReasonCode.Success && reason < MqttReasonCode.UnspecifiedError)
        {
            throw MqttProtocolException.Malformed($"CONNACK reason is 0x{(int)reason:X2}");
        }
        return new ConnAckPacket(flags == 1, reason, properties);
    }

    public static PublishPacket Publish(byte header, ReadOnlySpan<byte> body)
    {
        MqttQos qos = (MqttQos)((header >> 1) & 3);
        bool duplicate = (header & 0x08) != 0;
        switch (qos)
        {
            case MqttQos.AtMostOnce when duplicate:
                throw MqttProtocolException.Malformed("PUBLISH at QoS 0 is marked as a duplicate");
            case MqttQos.ExactlyOnce:
                throw new MqttProtocolException(MqttReasonCode.QosNotSupported, "the broker sent a message at QoS 2, which was never subscribed");
            case > MqttQos.ExactlyOnce:
                throw MqttProtocolException.Malformed("PUBLISH has QoS 3");
        }

        // First the frame: a fault here is the broker's.
        PacketReader reader = new(body);
        ReadOnlySpan<byte> topic = reader.ReadBinary("topic");
        ushort packetId = qos == MqttQos.AtMostOnce ? (ushort)0 : PacketId(ref reader);
        ReadOnlySpan<byte> propertyBytes = reader.Take(reader.ReadVariableInteger("property length"), "properties");
        ReadOnlySpan<byte> payload = reader.Take(reader.Remaining, "payload");

        // Then the content: a fault here is the publisher's.
        PropertyBlock properties;
        string topicName;
        try
        {
            properties = PropertyBlock.Read(propertyBytes, PacketType.Publish);
            topicName = PacketReader.DecodeString(topic, "topic");
        }
        catch (MqttProtocolException fault)
        {
            return new PublishPacket(qos, packetId, null, fault.Message);
        }
        if (properties.TopicAlias is { } alias)
        {
            throw new MqttProtocolException(MqttReasonCode.TopicAliasInvalid, $"the broker uses topic alias {alias}, none was allowed");
        }
        if (MqttTopic.NameFault(topicName) is { } fault2)
        {
            return new PublishPacket(qos, packetId, null, fault2);
        }
        return new PublishPacket(qos, packetId, new MqttReceivedMessage
        {
            Topic = topicName,
            Payload = payload.ToArray(),
            Qos = qos,
            Retained = (header & 1) != 0,
            Duplicate = duplicate,
            ContentType = properties.ContentType,
            ResponseTopic = properties.ResponseTopic,
            CorrelationData = properties.CorrelationData is { } data ? data : null,
            MessageExpiry = properties.MessageExpirySeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            PayloadIsText = properties.PayloadIsText,
            UserProperties = properties.UserProperties,
        }, null);
    }

    public static PubAckPacket PubAck(ReadOnlySpan<byte> body)
    {
        PacketReader reader = new(body);
        ushort packetId = PacketId(ref reader);
        if (reader.AtEnd)
        {
            return new PubAckPacket(packetId, MqttReasonCode.Success, null);
        }
        MqttReasonCode reason = (MqttReasonCode)reader.ReadByte("PUBACK reason");
        string? text = reader.AtEnd ? null : LastProperties(ref reader, PacketType.PubAck).ReasonString;
        return new PubAckPacket(packetId, reason, text);
    }

    public static FilterAckPacket FilterAck(ReadOnlySpan<byte> body, PacketType type)
    {
        PacketReader reader = new(body);
        ushort packetId = PacketId(ref reader);
        ReadOnlySpan<byte> propertyBytes = reader.Take(reader.ReadVariableInteger("property length"), "properties");
        string? text = PropertyBlock.Read(propertyBytes, type).ReasonString;
        MqttReasonCode reason = (MqttReasonCode)reader.ReadByte($"{type} reason");
        reader.RequireEnd(type.ToString());
        if (type == PacketType.SubAck && reason is > MqttReasonCode.GrantedQos2 and < MqttReasonCode.UnspecifiedError)
        {
            throw MqttProtocolException.Malformed($"SUBACK reason is 0x{(int)reason:X2}");
        }
        return new FilterAckPacket(packetId, reason, text);
    }

    public static DisconnectPacket Disconnect(ReadOnlySpan<byte> body)
    {
        PacketReader reader = new(body);
        if (reader.AtEnd)
        {
            return new DisconnectPacket(MqttReasonCode.Success, null);
        }
        MqttReasonCode reason = (MqttReasonCode)reader.ReadByte("DISCONNECT reason");
        return new DisconnectPacket(reason, reader.AtEnd ? null : LastProperties(ref reader, PacketType.Disconnect).ReasonString);
    }

    private static PropertyBlock LastProperties(ref PacketReader reader, PacketType type)
    {
        ReadOnlySpan<byte> bytes = reader.Take(reader.ReadVariableInteger("property length"), "properties");
        reader.RequireEnd(type.ToString());
        return PropertyBlock.Read(bytes, type);
    }

    private static ushort PacketId(ref PacketReader reader)
    {
        ushort id = reader.ReadUInt16("packet id");
        return id != 0 ? id : throw MqttProtocolException.Malformed("the packet id is zero");
    }
}

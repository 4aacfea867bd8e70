using System.Buffers;

namespace EdgeFleet.Mqtt.Protocol;

/// <summary>Writes the packets that a client sends. Each method returns the bytes of the whole packet.</summary>
internal static class PacketEncoder
{
    /// <summary>What CONNECT says about the session; the rest is in the options.</summary>
    public static int Connect(IBufferWriter<byte> output, MqttSessionOptions options, bool cleanStart, MqttWill? will)
    {
        PropertyList properties = new PropertyList()
            .AddUInt32(PropertyId.SessionExpiry, Seconds(options.SessionExpiry))
            .AddUInt16(PropertyId.ReceiveMaximum, options.ReceiveMaximum)
            .AddUInt32(PropertyId.MaximumPacketSize, (uint)options.MaximumPacketSize);
        PropertyList? willProperties = will is null
            ? null
            : MessageProperties(will.Message).AddUInt32(PropertyId.WillDelay, will.Delay > TimeSpan.Zero ? Seconds(will.Delay) : null);

        int size = 6 + 1 + 1 + 2 + properties.SizeWithLength + PacketWriter.StringSize(options.ClientId);
        if (will is not null)
        {
            size += willProperties!.SizeWithLength + PacketWriter.StringSize(will.Message.Topic) + 2 + will.Message.Payload.Length;
        }
        size += options.UserName is { } name ? PacketWriter.StringSize(name) : 0;
        size += options.Password is { } secret ? 2 + secret.Length : 0;

        int flags = (cleanStart ? 0x02 : 0)
            | (will is null ? 0 : 0x04 | ((int)will.Message.Qos << 3) | (will.Message.Retain ? 0x20 : 0))
            | (options.Password is null ? 0 : 0x40)
            | (options.UserName is null ? 0 : 0x80);

        PacketWriter writer = Begin(output, PacketType.Connect, 0, size, size);
        writer.String("MQTT");
        writer.Byte(5);
        writer.Byte(flags);
        writer.UInt16((int)Math.Ceiling(options.KeepAlive.TotalSeconds));
        properties.WriteTo(ref writer);
        writer.String(options.ClientId);
        if (will is not null)
        {
            willProperties!.WriteTo(ref writer);
            writer.String(will.Message.Topic);
            writer.Binary(will.Message.Payload.Span);
        }
        if (options.UserName is { } userName)
        {
            writer.String(userName);
        }
        if (options.Password is { } password)
        {
            writer.Binary(password.Span);
        }
        return End(output, writer);
    }

    public static int Publish(IBufferWriter<byte> output, MqttMessage message, ushort packetId, bool duplicate)
    {
        PropertyList? properties = PublishProperties(message);
        int head = PublishHeadSize(message, properties);
        int flags = ((int)message.Qos << 1) | (duplicate ? 0x08 : 0) | (message.Retain ? 1 : 0);
        // Whatever may fail comes first: a packet that was begun has to be finished.
        ReadOnlySpan<byte> payload = message.Payload.Span;
        PacketWriter writer = Begin(output, PacketType.Publish, flags, head + payload.Length, head);
        writer.String(message.Topic);
        if (message.Qos != MqttQos.AtMostOnce)
        {
            writer.UInt16(packetId);
        }
        if (properties is null)
        {
            writer.Byte(0);
        }
        else
        {
            properties.WriteTo(ref writer);
        }
        int written = End(output, writer);
        // In the pipe's own pieces: asking for one span as large as the payload would make it rent a huge buffer.
        output.Write(payload);
        return written + payload.Length;
    }

    /// <summary>Bytes of the whole packet, to compare with the broker's maximum packet size.</summary>
    public static long PublishSize(MqttMessage message)
    {
        long remaining = (long)PublishHeadSize(message, PublishProperties(message)) + message.Payload.Length;
        return 1 + VariableInteger.Size((int)Math.Min(remaining, VariableInteger.Maximum)) + remaining;
    }

    public static int PubAck(IBufferWriter<byte> output, ushort packetId, MqttReasonCode reason)
    {
        int size = reason == MqttReasonCode.Success ? 2 : 3;
        PacketWriter writer = Begin(output, PacketType.PubAck, 0, size, size);
        writer.UInt16(packetId);
        if (reason != MqttReasonCode.Success)
        {
            writer.Byte((int)reason);
        }
        return End(output, writer);
    }

    /// <param name="again">Retained messages are sent only where the broker did not have the subscription (retain handling 1, section 3.8.3.1).</param>
    public static int Subscribe(IBufferWriter<byte> output, ushort packetId, string filter, MqttQos qos, bool again = false)
    {
        int size = 2 + 1 + PacketWriter.StringSize(filter) + 1;
        PacketWriter writer = Begin(output, PacketType.Subscribe, 0x02, size, size);
        writer.UInt16(packetId);
        writer.Byte(0);
        writer.String(filter);
        writer.Byte((int)qos | (again ? 0x10 : 0));
        return End(output, writer);
    }

    public static int Unsubscribe(IBufferWriter<byte> output, ushort packetId, string filter)
    {
        int size = 2 + 1 + PacketWriter.StringSize(filter);
        PacketWriter writer = Begin(output, PacketType.Unsubscribe, 0x02, size, size);
        writer.UInt16(packetId);
        writer.Byte(0);
        writer.String(filter);
        return End(output, writer);
    }

    public static int PingReq(IBufferWriter<byte> output)
    {
        PacketWriter writer = Begin(output, PacketType.PingReq, 0, 0, 0);
        return End(output, writer);
    }

    public static int Disconnect(IBufferWriter<byte> output, MqttReasonCode reason)
    {
        int size = reason == MqttReasonCode.Success ? 0 : 1;
        PacketWriter writer = Begin(output, PacketType.Disconnect, 0, size, size);
        if (reason != MqttReasonCode.Success)
        {
            writer.Byte((int)reason);
        }
        return End(output, writer);
    }

    /// <summary>Whole seconds, rounded up; the largest value means for ever.</summary>
    private static uint Seconds(TimeSpan value) =>
        value == Timeout.InfiniteTimeSpan ? uint.MaxValue : (uint)Math.Min(Math.Ceiling(value.TotalSeconds), uint.MaxValue);

    /// <summary>Null where there are none, which spares the commonest publishes the list.</summary>
    private static PropertyList? PublishProperties(MqttMessage message) =>
        message is { PayloadIsText: false, MessageExpiry: null, ContentType: null, ResponseTopic: null, CorrelationData: null, UserProperties.Count: 0 }
            ? null
            : MessageProperties(message);

    private static PropertyList MessageProperties(MqttMessage message) => new PropertyList()
        .AddByte(PropertyId.PayloadFormat, message.PayloadIsText ? 1 : null)
        .AddUInt32(PropertyId.MessageExpiry, message.MessageExpiry is { } expiry ? Seconds(expiry) : null)
        .AddString(PropertyId.ContentType, message.ContentType)
        .AddString(PropertyId.ResponseTopic, message.ResponseTopic)
        .AddBinary(PropertyId.CorrelationData, message.CorrelationData)
        .AddUserProperties(message.UserProperties);

    private static int PublishHeadSize(MqttMessage message, PropertyList? properties) =>
        PacketWriter.StringSize(message.Topic) + (message.Qos == MqttQos.AtMostOnce ? 0 : 2) + (properties?.SizeWithLength ?? 1);

    private static PacketWriter Begin(IBufferWriter<byte> output, PacketType type, int flags, int remainingLength, int spanLength)
    {
        PacketWriter writer = new(output.GetSpan(5 + spanLength));
        writer.Byte(((int)type << 4) | flags);
        writer.VariableInteger(remainingLength);
        return writer;
    }

    private static int End(IBufferWriter<byte> output, PacketWriter writer)
    {
        output.Advance(writer.Written);
        return writer.Written;
    }
}

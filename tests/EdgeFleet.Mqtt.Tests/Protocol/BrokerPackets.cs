using System.Buffers.Binary;
using System.Text;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Tests.Protocol;

/// <summary>Writes the packets that only a broker sends, by the specification and without the code under test.</summary>
internal static class BrokerPackets
{
    public static byte[] ConnAck(bool sessionPresent = false, MqttReasonCode reason = MqttReasonCode.Success, params byte[][] properties) =>
        Packet(0x20, [(byte)(sessionPresent ? 1 : 0), (byte)reason, .. Block(properties)]);

    public static byte[] Publish(string topic, byte[] payload, int qos = 0, ushort packetId = 0, bool duplicate = false, bool retain = false, params byte[][] properties) =>
        Packet((byte)(0x30 | (duplicate ? 8 : 0) | (qos << 1) | (retain ? 1 : 0)),
            [.. Text(topic), .. qos > 0 ? Number(packetId) : [], .. Block(properties), .. payload]);

    public static byte[] PubAck(ushort packetId, MqttReasonCode reason = MqttReasonCode.Success) =>
        Packet(0x40, reason == MqttReasonCode.Success ? Number(packetId) : [.. Number(packetId), (byte)reason]);

    public static byte[] SubAck(ushort packetId, MqttReasonCode reason) => Packet(0x90, [.. Number(packetId), 0, (byte)reason]);

    public static byte[] UnsubAck(ushort packetId, MqttReasonCode reason = MqttReasonCode.Success) => Packet(0xB0, [.. Number(packetId), 0, (byte)reason]);

    public static byte[] PingResp() => [0xD0, 0];

    public static byte[] Disconnect(MqttReasonCode reason, params byte[][] properties) => Packet(0xE0, [(byte)reason, .. Block(properties)]);

    public static byte[] Packet(byte header, byte[] body) => [header, .. VariableInteger(body.Length), .. body];

    public static byte[] Block(params byte[][] properties)
    {
        byte[] all = [.. properties.SelectMany(property => property)];
        return [.. VariableInteger(all.Length), .. all];
    }

    public static byte[] Property(PropertyId id, byte value) => [(byte)id, value];

    public static byte[] Property(PropertyId id, ushort value) => [(byte)id, .. Number(value)];

    public static byte[] Property(PropertyId id, uint value)
    {
        byte[] bytes = new byte[5];
        bytes[0] = (byte)id;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), value);
        return bytes;
    }

    public static byte[] Property(PropertyId id, string value) => [(byte)id, .. Text(value)];

    public static byte[] UserProperty(string name, string value) => [(byte)PropertyId.UserProperty, .. Text(name), .. Text(value)];

    public static byte[] Text(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        return [.. Number((ushort)utf8.Length), .. utf8];
    }

    public static byte[] Number(ushort value) => [(byte)(value >> 8), (byte)value];

    public static byte[] VariableInteger(int value)
    {
        List<byte> bytes = [];
        do
        {
            bytes.Add((byte)((value & 0x7F) | (value > 0x7F ? 0x80 : 0)));
            value >>= 7;
        }
        while (value > 0);
        return [.. bytes];
    }

    /// <summary>One of each kind with everything that it may carry.</summary>
    public static IReadOnlyList<byte[]> Corpus { get; } =
    [
        ConnAck(),
        ConnAck(true, MqttReasonCode.Success,
            Property(PropertyId.SessionExpiry, 3600u), Property(PropertyId.ReceiveMaximum, (ushort)20), Property(PropertyId.MaximumQos, (byte)1),
            Property(PropertyId.RetainAvailable, (byte)1), Property(PropertyId.MaximumPacketSize, 100_000u), Property(PropertyId.AssignedClientId, "auto-1"),
            Property(PropertyId.TopicAliasMaximum, (ushort)10), Property(PropertyId.ReasonString, "welcome"), UserProperty("a", "b"),
            Property(PropertyId.WildcardSubscriptionAvailable, (byte)1), Property(PropertyId.SubscriptionIdentifierAvailable, (byte)1),
            Property(PropertyId.SharedSubscriptionAvailable, (byte)1), Property(PropertyId.ServerKeepAlive, (ushort)10),
            Property(PropertyId.ResponseInformation, "r"), Property(PropertyId.ServerReference, "s"), Property(PropertyId.AuthenticationMethod, "m"),
            [(byte)PropertyId.AuthenticationData, .. Text("d")]),
        ConnAck(false, MqttReasonCode.NotAuthorized, Property(PropertyId.ReasonString, "no")),
        Publish("a/b", [1, 2, 3]),
        Publish("a/ü", [0, 0xFF], 1, 7, true, true,
            Property(PropertyId.PayloadFormat, (byte)1), Property(PropertyId.MessageExpiry, 60u), Property(PropertyId.ResponseTopic, "r/t"),
            [(byte)PropertyId.CorrelationData, .. Text("c")], UserProperty("n", "v"), UserProperty("n", "w"), [(byte)PropertyId.SubscriptionIdentifier, 0x80, 0x01],
            Property(PropertyId.ContentType, "text/plain")),
        PubAck(1),
        Packet(0x40, [0, 9, 0x10, .. Block(Property(PropertyId.ReasonString, "nobody"), UserProperty("k", "v"))]),
        SubAck(2, MqttReasonCode.GrantedQos1),
        UnsubAck(3),
        PingResp(),
        Disconnect(MqttReasonCode.SessionTakenOver, Property(PropertyId.ReasonString, "other"), Property(PropertyId.ServerReference, "there")),
        Packet(0xE0, []),
    ];

    /// <summary>Decodes any packet as the session would, for what it throws.</summary>
    public static void Decode(byte header, ReadOnlySpan<byte> body)
    {
        PacketDecoder.RequireFlags(header);
        switch (PacketDecoder.Type(header))
        {
            case PacketType.ConnAck:
                PacketDecoder.ConnAck(body);
                break;
            case PacketType.Publish:
                PacketDecoder.Publish(header, body);
                break;
            case PacketType.PubAck:
                PacketDecoder.PubAck(body);
                break;
            case PacketType.SubAck or PacketType.UnsubAck:
                PacketDecoder.FilterAck(body, PacketDecoder.Type(header));
                break;
            case PacketType.Disconnect:
                PacketDecoder.Disconnect(body);
                break;
        }
    }
}

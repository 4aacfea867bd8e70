namespace EdgeFleet.Mqtt.Protocol;

/// <summary>The properties of a received packet, each at most once, and only those that the packet may carry.</summary>
internal sealed class PropertyBlock
{
    /// <summary>A megabyte of empty user properties would cost us many times that; nobody means so many.</summary>
    public const int MaximumUserProperties = 128;

    public static readonly PropertyBlock Empty = new();

    private static readonly ulong s_connAck = Mask(
        PropertyId.SessionExpiry, PropertyId.ReceiveMaximum, PropertyId.MaximumQos, PropertyId.RetainAvailable, PropertyId.MaximumPacketSize,
        PropertyId.AssignedClientId, PropertyId.TopicAliasMaximum, PropertyId.ReasonString, PropertyId.UserProperty,
        PropertyId.WildcardSubscriptionAvailable, PropertyId.SubscriptionIdentifierAvailable, PropertyId.SharedSubscriptionAvailable,
        PropertyId.ServerKeepAlive, PropertyId.ResponseInformation, PropertyId.ServerReference, PropertyId.AuthenticationMethod,
        PropertyId.AuthenticationData);

    private static readonly ulong s_publish = Mask(
        PropertyId.PayloadFormat, PropertyId.MessageExpiry, PropertyId.TopicAlias, PropertyId.ResponseTopic, PropertyId.CorrelationData,
        PropertyId.UserProperty, PropertyId.SubscriptionIdentifier, PropertyId.ContentType);

    private static readonly ulong s_ack = Mask(PropertyId.ReasonString, PropertyId.UserProperty);

    private static readonly ulong s_disconnect = Mask(
        PropertyId.SessionExpiry, PropertyId.ReasonString, PropertyId.UserProperty, PropertyId.ServerReference);

    private List<MqttUserProperty>? _userProperties;

    public bool PayloadIsText { get; private set; }
    public uint? MessageExpirySeconds { get; private set; }
    public string? ContentType { get; private set; }
    public string? ResponseTopic { get; private set; }
    public byte[]? CorrelationData { get; private set; }
    public uint? SessionExpirySeconds { get; private set; }
    public int? ServerKeepAliveSeconds { get; private set; }
    public string? ReasonString { get; private set; }
    public int? ReceiveMaximum { get; private set; }
    public int? TopicAlias { get; private set; }
    public int? MaximumQos { get; private set; }
    public bool RetainAvailable { get; private set; } = true;
    public uint? MaximumPacketSize { get; private set; }
    public IReadOnlyList<MqttUserProperty> UserProperties => _userProperties ?? (IReadOnlyList<MqttUserProperty>)[];

    /// <param name="bytes">The block without its length.</param>
    public static PropertyBlock Read(ReadOnlySpan<byte> bytes, PacketType packet)
    {
        if (bytes.IsEmpty)
        {
            return Empty;
        }
        ulong allowed = packet switch
        {
            PacketType.ConnAck => s_connAck,
            PacketType.Publish => s_publish,
            PacketType.Disconnect => s_disconnect,
            _ => s_ack,
        };
        PropertyBlock block = new();
        ulong seen = 0;
        PacketReader reader = new(bytes);
        while (!reader.AtEnd)
        {
            int id = reader.ReadVariableInteger("property identifier");
            ulong bit = id < 64 ? 1UL << id : 0;
            if ((allowed & bit) == 0)
            {
                throw MqttProtocolException.Malformed($"property 0x{id:X2} does not belong into {packet}");
            }
            if ((seen & bit) != 0 && (PropertyId)id is not (PropertyId.UserProperty or PropertyId.SubscriptionIdentifier))
            {
                throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"property {(PropertyId)id} comes twice in {packet}");
            }
            seen |= bit;
            block.ReadValue((PropertyId)id, ref reader);
        }
        return block;
    }

    private void ReadValue(PropertyId id, ref PacketReader reader)
    {
        switch (id)
        {
            case PropertyId.PayloadFormat:
                PayloadIsText = Flag(ref reader, id);
                break;
            case PropertyId.MessageExpiry:
                MessageExpirySeconds = reader.ReadUInt32(nameof(PropertyId.MessageExpiry));
                break;
            case PropertyId.ContentType:
                ContentType = reader.ReadString(nameof(PropertyId.ContentType));
                break;
            case PropertyId.ResponseTopic:
                ResponseTopic = reader.ReadString(nameof(PropertyId.ResponseTopic));
                break;
            case PropertyId.CorrelationData:
                CorrelationData = reader.ReadBinary(nameof(PropertyId.CorrelationData)).ToArray();
                break;
            case PropertyId.SubscriptionIdentifier:
                NonZero(reader.ReadVariableInteger(nameof(PropertyId.SubscriptionIdentifier)), id);
                break;
            case PropertyId.SessionExpiry:
                SessionExpirySeconds = reader.ReadUInt32(nameof(PropertyId.SessionExpiry));
                break;
            case PropertyId.ServerKeepAlive:
                ServerKeepAliveSeconds = reader.ReadUInt16(nameof(PropertyId.ServerKeepAlive));
                break;
            case PropertyId.ReasonString:
                ReasonString = reader.ReadString(nameof(PropertyId.ReasonString));
                break;
            case PropertyId.ReceiveMaximum:
                ReceiveMaximum = (int)NonZero(reader.ReadUInt16(nameof(PropertyId.ReceiveMaximum)), id);
                break;
            case PropertyId.TopicAlias:
                TopicAlias = reader.ReadUInt16(nameof(PropertyId.TopicAlias));
                break;
            case PropertyId.MaximumQos:
                MaximumQos = Flag(ref reader, id) ? 1 : 0;
                break;
            case PropertyId.RetainAvailable:
                RetainAvailable = Flag(ref reader, id);
                break;
            case PropertyId.MaximumPacketSize:
                MaximumPacketSize = (uint)NonZero(reader.ReadUInt32(nameof(PropertyId.MaximumPacketSize)), id);
                break;
            case PropertyId.UserProperty:
                _userProperties ??= [];
                if (_userProperties.Count == MaximumUserProperties)
                {
                    throw new MqttProtocolException(MqttReasonCode.QuotaExceeded, $"more than {MaximumUserProperties} user properties");
                }
                _userProperties.Add(new MqttUserProperty(reader.ReadString("user property name"), reader.ReadString("user property value")));
                break;

            // Read for their form; nothing here depends on their value.
            case PropertyId.AssignedClientId or PropertyId.ResponseInformation or PropertyId.ServerReference or PropertyId.AuthenticationMethod:
                reader.ReadString(id.ToString());
                break;
            case PropertyId.AuthenticationData:
                reader.ReadBinary(nameof(PropertyId.AuthenticationData));
                break;
            case PropertyId.TopicAliasMaximum:
                reader.ReadUInt16(nameof(PropertyId.TopicAliasMaximum));
                break;
            case PropertyId.WildcardSubscriptionAvailable or PropertyId.SubscriptionIdentifierAvailable or PropertyId.SharedSubscriptionAvailable:
                Flag(ref reader, id);
                break;
            default:
                throw MqttProtocolException.Malformed($"property 0x{(int)id:X2} is unknown");
        }
    }

    private static bool Flag(ref PacketReader reader, PropertyId id) => reader.ReadByte(id.ToString()) switch
    {
        0 => false,
        1 => true,
        byte other => throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"property {id} is {other}, not 0 or 1"),
    };

    private static long NonZero(long value, PropertyId id) =>
        value != 0 ? value : throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"property {id} is zero");

    private static ulong Mask(params ReadOnlySpan<PropertyId> ids)
    {
        ulong mask = 0;
        foreach (PropertyId id in ids)
        {
            mask |= 1UL << (int)id;
        }
        return mask;
    }
}

using System.Text;

namespace EdgeFleet.Mqtt;

/// <summary>A message to publish. The payload is not copied: leave it alone until the publish task has completed.</summary>
public sealed record MqttMessage
{
    public required string Topic { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public MqttQos Qos { get; init; } = MqttQos.AtLeastOnce;

    /// <summary>The broker keeps the message for later subscribers; an empty payload clears what it keeps.</summary>
    public bool Retain { get; init; }

    public string? ContentType { get; init; }

    public string? ResponseTopic { get; init; }

    public ReadOnlyMemory<byte>? CorrelationData { get; init; }

    /// <summary>How long the broker may hold the message for absent subscribers, counted from when it took it; whole seconds.</summary>
    public TimeSpan? MessageExpiry { get; init; }

    /// <summary>Declares the payload to be UTF-8 text.</summary>
    public bool PayloadIsText { get; init; }

    public IReadOnlyList<MqttUserProperty> UserProperties { get; init; } = [];

    /// <summary>Throws where the message cannot be put on the wire at all.</summary>
    internal void Validate()
    {
        if (MqttTopic.NameFault(Topic) is { } fault)
        {
            throw new ArgumentException(fault);
        }
        if (Qos is not (MqttQos.AtMostOnce or MqttQos.AtLeastOnce))
        {
            throw new NotSupportedException($"QoS {(int)Qos} on '{Topic}': this client publishes at QoS 0 and 1 only");
        }
        if (MessageExpiry < TimeSpan.Zero)
        {
            throw new ArgumentException($"message expiry {MessageExpiry} on '{Topic}' is negative");
        }
        RequireShort(ContentType, "content type");
        if (ResponseTopic is not null && MqttTopic.NameFault(ResponseTopic) is { } responseFault)
        {
            throw new ArgumentException($"response {responseFault}");
        }
        if (CorrelationData is { Length: > ushort.MaxValue } data)
        {
            throw new ArgumentException($"correlation data of {data.Length} bytes exceeds {ushort.MaxValue}");
        }
        foreach (MqttUserProperty property in UserProperties)
        {
            RequireShort(property.Name, "user property name");
            RequireShort(property.Value, "user property value");
        }
    }

    private static void RequireShort(string? text, string what)
    {
        if (text is null)
        {
            return;
        }
        if (text.Length > ushort.MaxValue / 3 && Encoding.UTF8.GetByteCount(text) > ushort.MaxValue)
        {
            throw new ArgumentException($"the {what} takes more than {ushort.MaxValue} bytes");
        }
        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"the {what} contains a NUL character");
        }
    }
}

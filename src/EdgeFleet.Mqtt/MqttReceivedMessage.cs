namespace EdgeFleet.Mqtt;

/// <summary>A message from the broker. The payload is the receiver's own copy.</summary>
public sealed record MqttReceivedMessage
{
    public required string Topic { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public MqttQos Qos { get; init; }

    /// <summary>The broker had kept the message from before the subscription.</summary>
    public bool Retained { get; init; }

    /// <summary>The broker may have delivered the message before. False proves nothing: duplicates also come unmarked.</summary>
    public bool Duplicate { get; init; }

    public string? ContentType { get; init; }

    public string? ResponseTopic { get; init; }

    public ReadOnlyMemory<byte>? CorrelationData { get; init; }

    public TimeSpan? MessageExpiry { get; init; }

    public bool PayloadIsText { get; init; }

    public IReadOnlyList<MqttUserProperty> UserProperties { get; init; } = [];

    /// <summary>The first user property of that name, or null.</summary>
    public string? FindUserProperty(string name)
    {
        foreach (MqttUserProperty property in UserProperties)
        {
            if (property.Name == name)
            {
                return property.Value;
            }
        }
        return null;
    }
}

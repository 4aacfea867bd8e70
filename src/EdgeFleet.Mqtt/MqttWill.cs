namespace EdgeFleet.Mqtt;

/// <summary>What the broker publishes when the link ends without a clean disconnect.</summary>
public sealed record MqttWill(MqttMessage Message)
{
    /// <summary>How long the broker waits for the session to come back before it publishes; whole seconds.</summary>
    public TimeSpan Delay { get; init; }
}

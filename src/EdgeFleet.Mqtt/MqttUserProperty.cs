namespace EdgeFleet.Mqtt;

/// <summary>One name and value beside the payload. Names may repeat; order is kept.</summary>
public readonly record struct MqttUserProperty(string Name, string Value);

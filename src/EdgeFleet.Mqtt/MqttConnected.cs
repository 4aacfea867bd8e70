namespace EdgeFleet.Mqtt;

/// <summary>A connect that the broker accepted.</summary>
/// <param name="SessionPresent">False: the broker had no session, so whatever it queued before is gone.</param>
/// <param name="Number">Counts this session's accepted connects from 1.</param>
public sealed record MqttConnected(bool SessionPresent, long Number);

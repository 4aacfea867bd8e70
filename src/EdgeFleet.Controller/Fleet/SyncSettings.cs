namespace EdgeFleet.Controller.Fleet;

/// <summary>What each stream's first message tells the device.</summary>
internal sealed record SyncSettings
{
    public required string Tenant { get; init; }
    public required TimeSpan BeatInterval { get; init; }
    /// <summary>Known once the broker listens.</summary>
    public string MqttHost { get; set; } = "";
    public int MqttPort { get; set; }
}

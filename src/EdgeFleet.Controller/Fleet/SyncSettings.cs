namespace EdgeFleet.Controller.Fleet;

/// <summary>What each stream's first message tells the device.</summary>
internal sealed record SyncSettings
{
    public required string Tenant { get; init; }
    public required TimeSpan BeatInterval { get; init; }
    /// <summary>Known once the broker listens.</summary>
    public string MqttHost { get; set; } = "";
    public int MqttPort { get; set; }
    /// <summary>Roots (PEM) that vouch for a broker of someone else's; empty where the fleet's own do.</summary>
    public string MqttRootsPem { get; init; } = "";
}

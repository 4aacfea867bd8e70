namespace EdgeFleet.Agent.Reporting;

/// <summary>What a report is worth when space runs out. Metrics never come here: they are not kept at all.</summary>
public enum ReportClass : byte
{
    /// <summary>Phases, slots, verdicts of the device. The newest of each topic is never dropped.</summary>
    State = 1,

    /// <summary>Shadow ticks and events: the oldest go first.</summary>
    Evidence = 2,
}

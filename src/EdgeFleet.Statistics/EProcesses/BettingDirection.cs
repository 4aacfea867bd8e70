namespace EdgeFleet.Statistics.EProcesses;

/// <summary>Which way a betting e-process looks.</summary>
public enum BettingDirection
{
    /// <summary>The null is "the mean is at most m"; the e-value grows when observations lie above m.</summary>
    Harm,

    /// <summary>The null is "the mean is at least m"; the e-value grows when observations lie below m.</summary>
    Promotion,
}

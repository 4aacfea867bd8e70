namespace EdgeFleet.Core.Evidence;

/// <summary>Why samples were not compared. Counted apart, because a shadow that leaves out busy moments or hot hours is biased.</summary>
public static class DropReasons
{
    /// <summary>The worker's own rate: more came than it may compare.</summary>
    public const string Rate = "rate";
    /// <summary>The runner's ring was full.</summary>
    public const string Ring = "ring";
    /// <summary>The shadow rested because it made the served model slower than its budget.</summary>
    public const string Taxed = "taxed";
    /// <summary>The device was too warm.</summary>
    public const string Heat = "heat";
    /// <summary>The device had too little free memory.</summary>
    public const string Memory = "memory";
    /// <summary>The device ran from a battery that was too low.</summary>
    public const string Battery = "battery";
    /// <summary>The baseline did not answer the input, or with what is no number.</summary>
    public const string BaselineFailed = "baselineFailed";
    /// <summary>The runner did not answer, or did not serve the model. Counts attempts, not samples.</summary>
    public const string RunnerAway = "runnerAway";
}

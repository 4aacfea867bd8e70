namespace EdgeFleet.Rollouts.Gating;

/// <summary>The gate's fixed numbers; what an operator may choose is in the policy.</summary>
public static class GateRules
{
    /// <summary>Below this many devices a class cannot reach 1/alpha device by device, so it is a census.</summary>
    public const int CensusBelowDevices = 10;

    /// <summary>In cohorts below this size one device with a broken invariant takes the class back.</summary>
    public const int LoneInvariantBelowDevices = 5;

    /// <summary>Devices with a broken invariant that take a larger cohort back.</summary>
    public const int InvariantDevices = 2;

    /// <summary>Fewest devices that a statistical promotion rests on.</summary>
    public const int MinimumDevices = 5;

    /// <summary>Disagreement above margin times this counts as the worst.</summary>
    public const double CapMargins = 5;

    /// <summary>Harm at a quarter of the evidence for a rollback holds a promotion.</summary>
    public const double AmberShare = 0.25;

    /// <summary>Widest half range of a log ratio, a factor of two; beyond it noise is clipped and not waited out.</summary>
    public const double MaximumWidthLogRatio = 0.6931471805599453;

    /// <summary>Correlation of neighbouring ticks from which the stated error rates no longer hold.</summary>
    public const double LargestAutocorrelation = 0.1;

    /// <summary>Devices with a broken invariant at which a cohort of this size is taken back.</summary>
    public static int InvariantThreshold(int cohortSize) => cohortSize < LoneInvariantBelowDevices ? 1 : InvariantDevices;
}

using EdgeFleet.Rollouts.Gating.Folding;

namespace EdgeFleet.Rollouts.Gating.Metrics;

/// <summary>
/// How what devices report of one metric becomes bets on [0, 1], larger for worse, from frozen margins and calibration alone.
/// A metric is added to the gate by writing one of these and naming it in <see cref="MetricMargin"/> and <see cref="GateScales"/>.
/// </summary>
internal interface IMetricScale
{
    MetricMargin Asked { get; }

    /// <summary>Where an observed value begins to count as harm, in the margin's unit: the margin, and what the noise is allowed.</summary>
    double Effective { get; }

    /// <summary>The rollback question's null: the mean of a tick is at most this.</summary>
    double HarmNull { get; }

    /// <summary>The promotion question's null: the mean of a device is at least this.</summary>
    double PromotionNull { get; }

    /// <summary>What one bet of a census is, for people.</summary>
    string CensusUnit { get; }

    /// <summary>What a device has to gather before it has said its word, and what that is called.</summary>
    (long Count, string Unit) Enough { get; }

    /// <summary>One device's tick; null where it says nothing of this metric.</summary>
    double? OfTick(GateTick tick);

    /// <summary>A device's word with one more tick; said once there is enough.</summary>
    MetricWord Say(MetricWord word, GateTick tick);

    /// <summary>One more tick of a device of a census: the bet on it, where it makes one full, and what the next bet has gathered so far.</summary>
    (CensusWindow Next, double? Bet) OfCensus(CensusWindow open, GateTick tick);

    /// <summary>The plain estimate in the margin's unit, for people; null without data.</summary>
    double? Estimate(DeviceFigures figures);
}

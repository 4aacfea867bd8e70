using System.Text.Json.Serialization;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>
/// The gate's fixed numbers; what an operator may choose is in the policy. They are stored with each verdict, so that a release
/// with other numbers still computes the old ones as they were.
/// </summary>
public sealed record GateRules
{
    /// <summary>The numbers of this release.</summary>
    public static GateRules Current { get; } = new();

    /// <summary>Below this many devices a class cannot reach 1/alpha device by device, so it is a census.</summary>
    public int CensusBelowDevices { get; init; } = 10;

    /// <summary>In cohorts below this size one device with a broken invariant takes the class back.</summary>
    public int LoneInvariantBelowDevices { get; init; } = 5;

    /// <summary>Devices with a broken invariant that take a larger cohort back.</summary>
    public int InvariantDevices { get; init; } = 2;

    /// <summary>Fewest devices that a statistical promotion rests on.</summary>
    public int MinimumDevices { get; init; } = 5;

    /// <summary>Disagreement above margin times this counts as the worst.</summary>
    public double CapMargins { get; init; } = 5;

    /// <summary>Harm at a quarter of the evidence for a rollback holds a promotion.</summary>
    public double AmberShare { get; init; } = 0.25;

    /// <summary>A harm null closer to 1 than this leaves nothing to bet on.</summary>
    public double LargestHarmNull { get; init; } = 0.95;

    /// <summary>Widest half range of a log ratio, a factor of two; beyond it noise is clipped and not waited out.</summary>
    public double MaximumWidthLogRatio { get; init; } = 0.6931471805599453;

    /// <summary>Differences of labelled answers in one tick beyond margin times this count as the worst.</summary>
    public double LabelHarmCapMargins { get; init; } = 10;

    /// <summary>Half range of the log ratio of a high quantile, a factor of 1.5: a quantile of few values is noisier than a median.</summary>
    public double TailWidthLogRatio { get; init; } = 0.4054651081081644;

    /// <summary>Bets after which another run of the rollback question begins: harm that comes late is found as if it had begun then.</summary>
    public int HarmRunBets { get; init; } = 60;

    /// <summary>Runs that are kept.</summary>
    public int HarmRuns { get; init; } = 16;

    /// <summary>Most ticks that are joined for a bet.</summary>
    public int LongestJoin { get; init; } = 64;

    /// <summary>False discovery rate of the list of slices that are named as harmed.</summary>
    public double SliceFalseDiscoveryRate { get; init; } = 0.1;

    /// <summary>A slice may be worse than all inputs together by so many margins.</summary>
    public double SliceMargins { get; init; } = 2;

    /// <summary>Correlation of neighbouring bets, beyond what chance explains, from which more ticks are joined for one.</summary>
    public double LargestAutocorrelation { get; init; } = 0.1;

    /// <summary>
    /// Ticks that reports may be late by and count where they belong; twelve hours of ticks of a minute. A device that is away for
    /// longer is heard from there on.
    /// </summary>
    public int HalfWindowTicks { get; init; } = 720;

    /// <summary>A device's newest ticks wait until so many came after them: its word and a census take them in their order.</summary>
    public int WaitingTicks { get; init; } = 16;

    /// <summary>Evidence, as ln E, from which requests are not shared as they should be: chance does that to one class in a thousand.</summary>
    public double SampleRatioLogE { get; init; } = 6.907755278982137;

    /// <summary>The margin of disagreement on the capped scale.</summary>
    [JsonIgnore]
    public double DisagreementPromotionNull => 1 / CapMargins;

    /// <summary>Devices with a broken invariant at which a cohort of this size is taken back.</summary>
    public int InvariantThreshold(int cohortSize) => cohortSize < LoneInvariantBelowDevices ? 1 : InvariantDevices;
}

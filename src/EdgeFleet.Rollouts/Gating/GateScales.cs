using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Rollouts.Gating;

/// <summary>Maps what devices report to the [0, 1] scales of the bets, from frozen margins and calibration alone.</summary>
internal sealed class GateScales
{
    private readonly GateCalibration _calibration;
    private readonly GateRules _rules;
    private readonly double _cap;

    public GateScales(GateMargins margins, GateCalibration calibration, GateRules rules)
    {
        Margins = margins;
        _rules = rules;
        _calibration = calibration;
        double margin = margins.DisagreementPoints / 100;
        _cap = margin * rules.CapMargins;
        DisagreementHarmNull = Math.Min(calibration.NoiseRateUpper + margin, rules.LargestHarmNull);
        Latency = new LogRatioMap(PortableMath.Log(1 + (margins.LatencyP50Percent / 100)), calibration.LatencyWidthLogRatio);
        // One margin's worth: with fewer pairs the cap would swallow most of what a rate at the margin shows.
        PairsPerWindow = (int)Math.Ceiling(1 / margin);
    }

    public GateMargins Margins { get; }

    public double DisagreementHarmNull { get; }

    /// <summary>The margin on the capped scale.</summary>
    public double DisagreementPromotionNull => _rules.DisagreementPromotionNull;

    public LogRatioMap Latency { get; }

    /// <summary>Fewest pairs that one disagreement bet of a census rests on.</summary>
    public int PairsPerWindow { get; }

    /// <summary>Whether agreement gates; otherwise it is shown.</summary>
    public bool DisagreementGates => Margins.Compare == CompareMode.Equivalence;

    public double PromotionLogThreshold => PortableMath.Log(1 / Margins.AlphaPromotion);

    public double HarmLogThreshold => PortableMath.Log(1 / Margins.AlphaRollback);

    public double AmberLogThreshold => PortableMath.Log(_rules.AmberShare / Margins.AlphaRollback);

    /// <summary>Disagreement over the noise, capped, on [0, 1].</summary>
    public double DisagreementUnit(long disagreements, long pairs)
    {
        double overNoise = ((double)disagreements / pairs) - _calibration.NoiseRate;
        return Math.Clamp(overNoise / _cap, 0, 1);
    }

    /// <summary>Ticks that are judged: those after the device's calibration.</summary>
    public IEnumerable<GateTick> Judged(GateDevice device)
    {
        long after = _calibration.LastTick.TryGetValue(device.DeviceId, out long last) ? last : long.MinValue;
        return device.Ticks.Where(t => t.Tick > after);
    }
}

namespace EdgeFleet.Measurement.Meters;

/// <summary>What a meter's hardware keeps.</summary>
public enum MeterKind
{
    /// <summary>Energy since some moment: nothing is lost between two readings.</summary>
    Accumulating,
    /// <summary>Power at the moment (or averaged over one conversion): energy is the integral of what was seen.</summary>
    Sampled,
}

namespace EdgeFleet.Measurement.Meters;

/// <summary>What the search for meters says about one source.</summary>
/// <param name="Source">For example <c>RAPL package-0</c>.</param>
/// <param name="Meter">The meter that can be used; null where there is none.</param>
/// <param name="Reason">Why it cannot be used, or what is missing although it can.</param>
/// <param name="Advice">What a person can do about it.</param>
public sealed record MeterFinding(string Source, MeterIdentity? Meter, string? Reason = null, string? Advice = null)
{
    public bool Found => Meter is not null;
}

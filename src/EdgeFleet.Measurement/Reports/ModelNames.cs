namespace EdgeFleet.Measurement.Reports;

/// <summary>What the two models are called on a page: usually their files, as a stranger may have named them.</summary>
/// <param name="Baseline">Null where one model was measured alone.</param>
public sealed record ModelNames(string? Baseline, string Candidate);

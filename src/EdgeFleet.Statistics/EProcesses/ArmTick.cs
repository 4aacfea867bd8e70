namespace EdgeFleet.Statistics.EProcesses;

/// <summary>Events of the two arms in one tick, and how long each was exposed to them.</summary>
/// <param name="CandidateEvents">Not negative; a crash loop is one event.</param>
/// <param name="CandidateExposure">In any one unit, such as device hours.</param>
/// <param name="BaselineEvents">Not negative.</param>
/// <param name="BaselineExposure">In the same unit.</param>
public readonly record struct ArmTick(long CandidateEvents, double CandidateExposure, long BaselineEvents, double BaselineExposure);

using EdgeFleet.Core;

namespace EdgeFleet.Agent.Deployments;

/// <summary>A wish to take back what serves that does not come from the controller.</summary>
/// <param name="Target">The digest to go to.</param>
/// <param name="Requested">It stands in <c>requests/</c> until it is answered.</param>
internal sealed record LocalRollback(Digest Target, string Code, string Detail, bool Invariant, bool Requested = false);

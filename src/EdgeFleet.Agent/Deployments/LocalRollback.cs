using EdgeFleet.Core;

namespace EdgeFleet.Agent.Deployments;

/// <summary>A wish to take back what serves that does not come from the controller.</summary>
/// <param name="Target">The digest to go to; null: previous, else golden.</param>
internal sealed record LocalRollback(Digest? Target, string Code, string Detail, bool Invariant);

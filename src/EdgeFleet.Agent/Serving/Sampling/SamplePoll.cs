using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Serving.Sampling;

/// <summary>One poll of a tap.</summary>
/// <param name="Max">Samples at once.</param>
/// <param name="EveryNth">1 takes every request.</param>
/// <param name="Wait">For a first sample.</param>
/// <param name="Slices">Which parameters go with the samples.</param>
/// <param name="Tagged">Samples carry <see cref="SampleTags"/>; older workers do not read them.</param>
internal sealed record SamplePoll(int Max, int EveryNth, TimeSpan Wait, SliceList Slices, bool Tagged);

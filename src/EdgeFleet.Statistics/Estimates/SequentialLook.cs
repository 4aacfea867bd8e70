namespace EdgeFleet.Statistics.Estimates;

/// <summary>Where a measurement stands among its looks.</summary>
/// <param name="Blocks">Valid blocks so far.</param>
/// <param name="Number">Which look this is, from 1; null between looks, where nothing may be decided.</param>
/// <param name="Of">How many looks there can be.</param>
/// <param name="Alpha">Two-sided level of an interval at this look.</param>
/// <param name="NextBlocks">Blocks at the next look; null after the last.</param>
public sealed record SequentialLook(int Blocks, int? Number, int Of, double Alpha, int? NextBlocks)
{
    /// <summary>Whether an undecided measurement goes on from here.</summary>
    public bool MayGoOn => NextBlocks is not null;
}

namespace EdgeFleet.Statistics.Sketches;

/// <summary>An occupied bin of a sketch.</summary>
/// <param name="Index">Bin number; the bin covers (gamma^(index-1), gamma^index].</param>
/// <param name="Count">Values in it.</param>
public readonly record struct SketchBin(int Index, long Count);

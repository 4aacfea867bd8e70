namespace EdgeFleet.Core.Evidence;

/// <summary>
/// Pairs of one value of a request parameter. A cell is told once it has <see cref="Fewest"/> pairs (its labels: once it has as
/// many labels); until then it waits on the device, so a cell may hold pairs of earlier ticks.
/// </summary>
public sealed record SliceCounts
{
    /// <summary>A smaller cell could be about a single person or moment.</summary>
    public const int Fewest = 20;
    /// <summary>Cells of one tick, over all names; the others wait.</summary>
    public const int Maximum = 32;
    /// <summary>The value under which all requests are counted that do not carry the parameter or carry a value that is not on the list.</summary>
    public const string Other = "other";

    public required string Name { get; init; }
    public required string Value { get; init; }
    public required int Pairs { get; init; }
    public required int Disagreements { get; init; }
    public int Lost { get; init; }
    public int Gained { get; init; }
    /// <summary>Rows whose label came; <see cref="Lost"/> and <see cref="Gained"/> are among them.</summary>
    public int Labelled { get; init; }
}

using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Trials;

/// <summary>
/// Pairs by the values of the listed request parameters. A request is in one cell of each name: that of its value, or
/// <see cref="SliceCounts.Other"/>. Cells that are too small wait for later ticks, and are forgotten with the process.
/// </summary>
internal sealed class SliceCounter(SliceList slices)
{
    private readonly Cell[][] _cells =
    [
        .. slices.Names.Select(slice => slice.Value.Append(SliceCounts.Other).Select(value => new Cell(slice.Key, value)).ToArray()),
    ];

    /// <param name="values">For each name in order, which of its values the request carried; -1 for none of them.</param>
    /// <param name="disagrees">The models named different labels.</param>
    public void AddPair(IReadOnlyList<int> values, bool disagrees)
    {
        foreach (Cell cell in CellsOf(values))
        {
            cell.Pairs++;
            cell.Disagreements += disagrees ? 1 : 0;
        }
    }

    public void AddLabel(IReadOnlyList<int> values, bool baselineRight, bool candidateRight)
    {
        foreach (Cell cell in CellsOf(values))
        {
            cell.Labelled++;
            cell.Lost += baselineRight && !candidateRight ? 1 : 0;
            cell.Gained += candidateRight && !baselineRight ? 1 : 0;
        }
    }

    /// <summary>The cells that are large enough, the largest first; they begin anew. Null where there is none.</summary>
    public IReadOnlyList<SliceCounts>? Finish()
    {
        SliceCounts[] ready =
        [
            .. _cells.SelectMany(cells => cells)
                .Where(cell => cell.Pairs >= SliceCounts.Fewest || cell.Labelled >= SliceCounts.Fewest)
                .OrderByDescending(cell => cell.Pairs + cell.Labelled)
                .Take(SliceCounts.Maximum)
                .Select(cell => cell.Take()),
        ];
        return ready.Length == 0 ? null : ready;
    }

    private IEnumerable<Cell> CellsOf(IReadOnlyList<int> values)
    {
        for (int name = 0; name < _cells.Length; name++)
        {
            int value = name < values.Count ? values[name] : -1;
            yield return _cells[name][value >= 0 && value < _cells[name].Length - 1 ? value : ^1];
        }
    }

    private sealed class Cell(string name, string value)
    {
        public int Pairs { get; set; }
        public int Disagreements { get; set; }
        public int Labelled { get; set; }
        public int Lost { get; set; }
        public int Gained { get; set; }

        /// <summary>Hands over what is large enough, of pairs and labels each for itself.</summary>
        public SliceCounts Take()
        {
            bool pairs = Pairs >= SliceCounts.Fewest, labels = Labelled >= SliceCounts.Fewest;
            SliceCounts taken = new()
            {
                Name = name,
                Value = value,
                Pairs = pairs ? Pairs : 0,
                Disagreements = pairs ? Disagreements : 0,
                Labelled = labels ? Labelled : 0,
                Lost = labels ? Lost : 0,
                Gained = labels ? Gained : 0,
            };
            (Pairs, Disagreements) = pairs ? (0, 0) : (Pairs, Disagreements);
            (Labelled, Lost, Gained) = labels ? (0, 0, 0) : (Labelled, Lost, Gained);
            return taken;
        }
    }
}

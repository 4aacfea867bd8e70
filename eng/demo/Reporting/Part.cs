namespace EdgeFleet.Demo.Reporting;

/// <summary>What one part of the demo expected and what was seen.</summary>
internal sealed class Part(int id, string title, string expected)
{
    private readonly List<Figure> _figures = [];
    private readonly List<string> _misses = [];

    public int Id => id;
    public string Title => title;
    public string Expected => expected;
    public string Seen { get; set; } = "it did not end";
    public bool Ended { get; set; }
    public bool Ok => Ended && _misses.Count == 0;
    public IReadOnlyList<Figure> Figures => _figures;
    public IReadOnlyList<string> Misses => _misses;

    /// <summary>A measured figure; <paramref name="source"/> says who measured it and how.</summary>
    public void Measured(string name, double value, string unit, string source) => _figures.Add(new Figure(name, value, unit, source));

    public void Expect(bool condition, string miss)
    {
        if (!condition)
        {
            _misses.Add(miss);
        }
    }
}

internal sealed record Figure(string Name, double Value, string Unit, string Source);

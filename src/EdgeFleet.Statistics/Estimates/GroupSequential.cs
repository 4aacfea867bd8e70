namespace EdgeFleet.Statistics.Estimates;

/// <summary>
/// At how many blocks a measurement may be judged, and at which level. Who looks after every block and stops at the first
/// difference finds one in the end; so the looks are fixed before and share the level.
/// </summary>
public sealed class GroupSequential
{
    /// <summary>Chance of a false difference that all looks together may have.</summary>
    public const double Overall = 0.05;

    private readonly int[] _looks;

    private GroupSequential(int[] looks, double alpha) => (_looks, Alpha) = (looks, alpha);

    /// <summary>
    /// Looks at 12, 20 and 30 blocks, each at 0.0221 two-sided: Pocock's constant for three looks at 0.05 overall (Pocock,
    /// Biometrika 64, 1977). It is exact for equally spaced looks at a normal mean; these are near enough.
    /// </summary>
    public static GroupSequential Standard { get; } = new([12, 20, 30], 0.0221);

    /// <summary>Two-sided level of each look.</summary>
    public double Alpha { get; }

    /// <summary>Numbers of blocks at which it may be judged, ascending.</summary>
    public IReadOnlyList<int> Looks => _looks;

    /// <summary>The most blocks that can be needed.</summary>
    public int MostBlocks => _looks[^1];

    /// <summary>A protocol of a fixed number of blocks: one look at them, at the whole level.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than 2 blocks have no interval.</exception>
    public static GroupSequential OneLook(int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 2);
        return new GroupSequential([blocks], Overall);
    }

    /// <summary>What may be done with this many valid blocks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A negative number of blocks.</exception>
    public SequentialLook At(int blocks)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(blocks);
        int index = Array.IndexOf(_looks, blocks);
        int next = Array.FindIndex(_looks, look => look > blocks);
        return new SequentialLook(blocks, index < 0 ? null : index + 1, _looks.Length, Alpha, next < 0 ? null : _looks[next]);
    }
}

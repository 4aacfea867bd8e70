namespace EdgeFleet.Measurement;

/// <summary>
/// Coin flips from a seed (SplitMix64), the same on every machine and in every release of .NET, so that an order of
/// measurement can be told again from its seed.
/// </summary>
public sealed class SeededCoin(ulong seed)
{
    private ulong _state = seed;

    public bool Flip() => (Next() >> 63) != 0;

    /// <summary>True with this chance.</summary>
    public bool Chance(double share) => Share() < share;

    /// <summary>Uniform in [0, 1).</summary>
    public double Share() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A whole number from 0 to below the bound, near enough to uniform for bounds far below 2^32.</summary>
    public int Below(int bound) => (int)(((Next() >> 32) * (ulong)bound) >> 32);

    private ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}

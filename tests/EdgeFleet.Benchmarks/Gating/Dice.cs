using System.Text;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>
/// Random numbers of one simulated run (SplitMix64), seeded by the scenario's name and the run's number: a run comes out the
/// same whichever core it is on, and whatever other scenarios there are.
/// </summary>
internal sealed class Dice
{
    private ulong _state;
    private double? _spare;

    public Dice(string scenario, int run)
    {
        _state = 14695981039346656037;
        foreach (byte letter in Encoding.UTF8.GetBytes(scenario))
        {
            _state = (_state ^ letter) * 1099511628211;
        }
        _state ^= (ulong)run * 0xD134_2543_DE82_EF95;
        Next();
    }

    /// <summary>Uniform in [0, 1).</summary>
    public double Share() => (Next() >> 11) * (1.0 / (1UL << 53));

    public bool Flip() => (Next() >> 63) != 0;

    public bool Chance(double chance) => Share() < chance;

    /// <summary>Standard normal (Marsaglia's polar method).</summary>
    public double Normal()
    {
        if (_spare is { } spare)
        {
            _spare = null;
            return spare;
        }
        while (true)
        {
            double u = (2 * Share()) - 1, v = (2 * Share()) - 1, s = (u * u) + (v * v);
            if (s is > 0 and < 1)
            {
                double factor = Math.Sqrt(-2 * Math.Log(s) / s);
                _spare = v * factor;
                return u * factor;
            }
        }
    }

    /// <summary>Student's t with three degrees of freedom, scaled to a deviation of 1.</summary>
    public double HeavyTailed()
    {
        double a = Normal(), b = Normal(), c = Normal();
        return Normal() / Math.Sqrt((a * a) + (b * b) + (c * c));
    }

    /// <summary>Events in trials.</summary>
    public int Binomial(int trials, double chance)
    {
        int events = 0;
        for (int i = 0; i < trials; i++)
        {
            events += Chance(chance) ? 1 : 0;
        }
        return events;
    }

    public void Shuffle<T>(T[] items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)(Share() * (i + 1));
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    private ulong Next()
    {
        _state += 0x9E37_79B9_7F4A_7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }
}

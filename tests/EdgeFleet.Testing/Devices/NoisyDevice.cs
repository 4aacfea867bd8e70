namespace EdgeFleet.Testing.Devices;

/// <summary>
/// Latencies as an edge board gives them, from a seed: noise that lasts for many inferences (AR(1), phi 0.98, 2 %), a creep of
/// 5 % while it warms over the first 1200 inferences, and 0.3 % spikes that take two to five times as long. One device, so
/// both models meet the same noise at the same time.
/// </summary>
public sealed class NoisyDevice
{
    private const double Phi = 0.98;
    private const double Noise = 0.02;
    private const double Creep = 0.05;
    private const int CreepingInferences = 1200;
    private const double SpikeChance = 0.003;
    private const int InferencesPerCell = 25;

    private readonly Random _random;
    private readonly double[] _baseline = new double[2 * InferencesPerCell];
    private readonly double[] _candidate = new double[2 * InferencesPerCell];
    private double _state;
    private int _inferences;

    public NoisyDevice(int seed)
    {
        _random = new Random(seed);
        _state = Noise * Normal();
    }

    /// <summary>One inference of a model that takes this long where nothing disturbs it.</summary>
    public double Next(double latency)
    {
        _state = (Phi * _state) + (Noise * Math.Sqrt(1 - (Phi * Phi)) * Normal());
        double creep = 1 + (Creep * Math.Min(1, _inferences++ / (double)CreepingInferences));
        double spike = _random.NextDouble() < SpikeChance ? 2 + (3 * _random.NextDouble()) : 1;
        return latency * creep * Math.Exp(_state) * spike;
    }

    /// <summary>Medians of one block of four cells, ABBA or BAAB by a coin.</summary>
    /// <param name="ratio">The candidate's true latency over the baseline's.</param>
    public (double Baseline, double Candidate) Block(double ratio)
    {
        bool candidateFirst = _random.Next(2) == 0;
        for (int cell = 0; cell < 4; cell++)
        {
            bool candidate = candidateFirst ^ (cell is 1 or 2);
            Span<double> half = (candidate ? _candidate : _baseline).AsSpan(cell < 2 ? 0 : InferencesPerCell, InferencesPerCell);
            for (int i = 0; i < half.Length; i++)
            {
                half[i] = Next(candidate ? ratio : 1);
            }
        }
        return (Median(_baseline), Median(_candidate));
    }

    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}

using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Benchmarks.Gating;

/// <summary>What everybody writes first: Student's t against the margin at one-sided 5 %, asked again at every look.</summary>
internal sealed class NaiveT
{
    private static readonly double[] s_critical =
        [.. Enumerable.Range(0, 2000).Select(n => n < 1 ? double.PositiveInfinity : StudentT.TwoSidedCritical(2 * GateBench.Alpha, n))];

    private double _count, _mean, _squares;

    public void Add(double value)
    {
        _count++;
        double off = value - _mean;
        _mean += off / _count;
        _squares += off * (value - _mean);
    }

    public bool IsAbove(double margin) => T(margin) > Critical;

    public bool IsBelow(double margin) => -T(margin) > Critical;

    private double Critical => s_critical[(int)Math.Clamp(_count - 1, 0, s_critical.Length - 1)];

    private double T(double margin) => _count < 2 ? 0 : (_mean - margin) / Math.Sqrt(_squares / (_count - 1) / _count);
}

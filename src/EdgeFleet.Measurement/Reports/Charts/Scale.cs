namespace EdgeFleet.Measurement.Reports.Charts;

/// <summary>Where values lie on an axis, linear or logarithmic, and which of them get a number.</summary>
internal sealed class Scale
{
    private static readonly double[] s_steps = [1, 2, 5, 10];
    private static readonly double[] s_coarse = [1, 2, 5];
    private static readonly double[] s_fine = [1, 1.5, 2, 3, 4, 5, 7];
    private readonly double _low;
    private readonly double _high;

    /// <param name="low">Smallest value; positive where the axis is logarithmic.</param>
    /// <param name="high">Largest value.</param>
    /// <param name="from">Where the smallest lies, in units of the drawing.</param>
    /// <param name="to">Where the largest lies; smaller than <paramref name="from"/> on an axis that goes up.</param>
    /// <param name="logarithmic">Equal ratios are equally long.</param>
    public Scale(double low, double high, double from, double to, bool logarithmic = false)
    {
        if (high <= low)
        {
            // All values are the same: give them some room.
            double room = low == 0 ? 1 : Math.Abs(low) * 0.05;
            (low, high) = (low - room, high + room);
        }
        (Low, High, From, To, IsLogarithmic) = (low, high, from, to, logarithmic);
        (_low, _high) = logarithmic ? (Math.Log(low), Math.Log(high)) : (low, high);
    }

    public double Low { get; }

    public double High { get; }

    public double From { get; }

    public double To { get; }

    public bool IsLogarithmic { get; }

    /// <summary>Values beyond an end lie at that end.</summary>
    public double At(double value)
    {
        double inside = Math.Clamp(value, Low, High);
        double share = ((IsLogarithmic ? Math.Log(inside) : inside) - _low) / (_high - _low);
        return Math.Round(From + (share * (To - From)), 1);
    }

    /// <summary>The value at a share of the axis.</summary>
    public double ValueAt(double share)
    {
        double value = _low + (share * (_high - _low));
        return IsLogarithmic ? Math.Exp(value) : value;
    }

    /// <summary>Round values inside the axis, about as many as asked.</summary>
    public IReadOnlyList<double> Ticks(int about)
    {
        List<double> ticks = [];
        if (IsLogarithmic && High / Low > 4)
        {
            for (double power = Math.Pow(10, Math.Floor(Math.Log10(Low))); power <= High; power *= 10)
            {
                ticks.AddRange((High / Low > 20 ? s_coarse : s_fine).Select(factor => factor * power).Where(value => value >= Low * 0.999 && value <= High * 1.001));
            }
            return ticks;
        }
        double rough = (High - Low) / Math.Max(about, 1);
        double unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = s_steps.Select(factor => factor * unit).First(candidate => candidate >= rough * 0.999);
        for (long i = (long)Math.Ceiling((Low / step) - 1e-9); i * step <= High + (step * 1e-9); i++)
        {
            ticks.Add(i * step);
        }
        return ticks;
    }
}

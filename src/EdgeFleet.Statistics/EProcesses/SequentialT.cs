using EdgeFleet.Statistics.Functions;

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// A t test that may be looked at after every device (Lai 1976; Lindon, Ham, Tingley and Bojinov 2022): likelihoods of the t
/// statistic with the effect, in standard deviations, spread as a normal around none. It takes Gaussian device means for
/// granted, so a class uses it only where a policy says that they are; the betting e-process needs no such word.
/// </summary>
public static class SequentialT
{
    /// <summary>Natural logarithm of G for the null "the mean is the margin".</summary>
    /// <param name="t">(mean - margin) / (standard deviation / √n), finite.</param>
    /// <param name="observations">n, at least 1.</param>
    /// <param name="degreesOfFreedom">n - 1 for one mean; positive.</param>
    /// <param name="g">How closely the prior sits around no effect, in observations; positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">A figure outside its range.</exception>
    public static double LogG(double t, long observations, double degreesOfFreedom, double g = 1)
    {
        Require(double.IsFinite(t), nameof(t), t);
        Require(observations >= 1, nameof(observations), observations);
        Require(degreesOfFreedom > 0 && double.IsFinite(degreesOfFreedom), nameof(degreesOfFreedom), degreesOfFreedom);
        Require(g > 0 && double.IsFinite(g), nameof(g), g);
        double r = g / (g + observations);
        double ratio = t * t / degreesOfFreedom;
        return (0.5 * PortableMath.Log(r)) + (0.5 * (degreesOfFreedom + 1) * (PortableMath.Log(1 + ratio) - PortableMath.Log(1 + (r * ratio))));
    }

    /// <summary>
    /// Which side of the margin the mean of the values has been shown to lie on, at a level for that one side; 0 where neither.
    /// G looks at both sides, so each is held to 1/(2 alpha). Values without any spread are no Gaussian sample and show nothing.
    /// </summary>
    /// <param name="values">One of each device, finite.</param>
    /// <param name="margin">On the scale of the values.</param>
    /// <param name="alpha">Strictly between 0 and 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A level outside its range.</exception>
    public static int Side(IReadOnlyList<double> values, double margin, double alpha)
    {
        Require(alpha > 0 && alpha < 1, nameof(alpha), alpha);
        double mean = 0, squares = 0;
        for (int i = 0; i < values.Count; i++)
        {
            double off = values[i] - mean;
            mean += off / (i + 1);
            squares += off * (values[i] - mean);
        }
        if (values.Count < 2 || squares == 0)
        {
            return 0;
        }
        double t = (mean - margin) / Math.Sqrt(squares / (values.Count - 1) / values.Count);
        return LogG(t, values.Count, values.Count - 1) >= PortableMath.Log(1 / (2 * alpha)) ? Math.Sign(t) : 0;
    }

    private static void Require(bool holds, string name, double value)
    {
        if (!holds)
        {
            throw new ArgumentOutOfRangeException(name, value, "outside its range");
        }
    }
}

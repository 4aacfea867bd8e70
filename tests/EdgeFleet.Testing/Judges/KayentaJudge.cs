namespace EdgeFleet.Testing.Judges;

/// <summary>
/// A comparator, written from its published behaviour: how Kayenta's standard judge classifies one metric of which more is
/// worse. A 98 % Mann-Whitney interval, a tolerance of a quarter of the estimated shift, and the ratio of means.
/// </summary>
public static class KayentaJudge
{
    private const double Z98 = 2.3263478740408408;
    private const double Tolerance = 0.25;

    /// <summary>Whether the metric is classified as High.</summary>
    /// <param name="experiment">Points of the canary.</param>
    /// <param name="control">Points of the baseline.</param>
    /// <param name="allowedIncrease">Ratio of means from which a rise counts; 1 where nothing is configured.</param>
    public static bool IsHigh(IReadOnlyList<double> experiment, IReadOnlyList<double> control, double allowedIncrease = 1)
    {
        if (experiment.Count == 0 || control.Count == 0 || experiment.Order().SequenceEqual(control.Order()))
        {
            return false;
        }
        MannWhitneyShift shift = MannWhitneyShift.Of(experiment, control, Z98);
        return shift.Lower > Tolerance * Math.Abs(shift.Estimate) && experiment.Average() / control.Average() >= allowedIncrease;
    }
}

namespace EdgeFleet.Statistics.EProcesses;

/// <summary>
/// Time-uniform bounds for a mean in [0, 1]: the set of m that the e-process has not rejected, found by bisection.
/// For people's eyes; decisions compare E with 1/alpha.
/// </summary>
public static class ConfidenceSequence
{
    private const int Halvings = 60;

    /// <summary>Lower bound at level 1 - alpha (from the harm process); 0 when nothing can be excluded.</summary>
    public static double LowerBound(IReadOnlyList<double> observations, double alpha)
    {
        double excluded = 0, kept = 1;
        for (int i = 0; i < Halvings; i++)
        {
            double m = (excluded + kept) / 2;
            if (m is <= 0 or >= 1)
            {
                break;
            }
            if (BettingEProcess.Observe(BettingEProcess.StartHarm(m), observations).Rejects(alpha))
            {
                excluded = m;
            }
            else
            {
                kept = m;
            }
        }
        return excluded;
    }

    /// <summary>Upper bound at level 1 - alpha (from the promotion process); 1 when nothing can be excluded.</summary>
    public static double UpperBound(IReadOnlyList<double> observations, double alpha, int? populationSize = null)
    {
        double kept = 0, excluded = 1;
        for (int i = 0; i < Halvings; i++)
        {
            double m = (kept + excluded) / 2;
            if (m is <= 0 or >= 1)
            {
                break;
            }
            if (BettingEProcess.Observe(BettingEProcess.StartPromotion(m, populationSize), observations).Rejects(alpha))
            {
                excluded = m;
            }
            else
            {
                kept = m;
            }
        }
        return excluded;
    }
}

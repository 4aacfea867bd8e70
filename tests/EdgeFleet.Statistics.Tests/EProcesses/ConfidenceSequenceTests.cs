using EdgeFleet.Statistics.EProcesses;

namespace EdgeFleet.Statistics.Tests.EProcesses;

public sealed class ConfidenceSequenceTests
{
    private static readonly double[] s_values = [.. Enumerable.Range(0, 200).Select(i => ((i * 37) % 100) / 100.0)];

    [Fact]
    public void The_bounds_are_the_margins_at_which_the_e_process_just_rejects()
    {
        double lower = ConfidenceSequence.LowerBound(s_values, 0.05);
        double upper = ConfidenceSequence.UpperBound(s_values, 0.05);

        Assert.InRange(lower, 0.3, 0.495);
        Assert.InRange(upper, 0.495, 0.7);
        Assert.True(BettingEProcess.Observe(BettingEProcess.StartHarm(lower), s_values).Rejects(0.05));
        Assert.False(BettingEProcess.Observe(BettingEProcess.StartHarm(lower + 1e-9), s_values).Rejects(0.05));
        Assert.True(BettingEProcess.Observe(BettingEProcess.StartPromotion(upper), s_values).Rejects(0.05));
        Assert.False(BettingEProcess.Observe(BettingEProcess.StartPromotion(upper - 1e-9), s_values).Rejects(0.05));
    }

    [Fact]
    public void More_data_narrow_it_and_no_data_exclude_nothing()
    {
        Assert.Equal(0, ConfidenceSequence.LowerBound([], 0.05));
        Assert.Equal(1, ConfidenceSequence.UpperBound([], 0.05));
        Assert.True(ConfidenceSequence.LowerBound(s_values, 0.05) > ConfidenceSequence.LowerBound(s_values[..50], 0.05));
    }

    [Fact]
    public void A_whole_class_leaves_nothing_to_guess_above_its_mean()
    {
        double[] all = [0, 0.2, 0.1, 0.1, 0.1];

        Assert.InRange(ConfidenceSequence.UpperBound(all, 0.05, all.Length), 0.1, 0.1 + 1e-6);
    }

    [Fact]
    public void The_true_mean_is_missed_at_any_time_in_few_runs()
    {
        const int runs = 200, steps = 60;
        const double alpha = 0.1;
        Random random = new(4);
        int missed = 0;
        for (int run = 0; run < runs; run++)
        {
            List<double> seen = [];
            bool outside = false;
            for (int step = 0; step < steps; step++)
            {
                seen.Add(random.NextDouble() < 0.3 ? 1 : 0);
                outside |= step % 10 == 9 && ConfidenceSequence.LowerBound(seen, alpha) > 0.3;
            }
            missed += outside ? 1 : 0;
        }
        Assert.InRange(missed, 0, (int)(runs * (alpha + (3 * Math.Sqrt(alpha * (1 - alpha) / runs)))));
    }
}

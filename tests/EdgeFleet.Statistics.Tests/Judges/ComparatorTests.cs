using EdgeFleet.Statistics.EProcesses;
using EdgeFleet.Testing.Judges;

namespace EdgeFleet.Statistics.Tests.Judges;

/// <summary>The comparators that the gate is measured against judge as their originals do.</summary>
public sealed class ComparatorTests
{
    [Fact]
    public void The_mann_whitney_interval_is_that_of_r()
    {
        MannWhitneyShift shift = MannWhitneyShift.Of([10, 20, 30, 40], [1, 2, 3, 4], 1.959963984540054);

        Assert.Equal(6, shift.Lower, 1e-9);
        Assert.Equal(22.5, shift.Estimate, 1e-9);
        Assert.Equal(39, shift.Upper, 1e-9);
    }

    [Fact]
    public void Turning_the_samples_around_turns_the_interval_around()
    {
        double[] x = [1.5, 2.25, 9, 4, 4, 7.5, 3], y = [2, 4, 6, 1, 0.5];
        MannWhitneyShift one = MannWhitneyShift.Of(x, y, 1.96), other = MannWhitneyShift.Of(y, x, 1.96);

        Assert.Equal(one.Lower, -other.Upper, 1e-9);
        Assert.Equal(one.Estimate, -other.Estimate, 1e-9);
        Assert.Equal(one.Upper, -other.Lower, 1e-9);
    }

    [Fact]
    public void Sparse_errors_of_the_canary_pass_where_the_gates_count_test_reacts_as_they_go_on()
    {
        Assert.False(KayentaJudge.IsHigh([0, 1, 2, 1, 0, 0], new double[6]));

        double first = CountEValues.LogTwoArmCounts(4, 6, 0, 6, 1), third = CountEValues.LogTwoArmCounts(12, 18, 0, 18, 1);
        Assert.True(first > 0 && first < Math.Log(20) && third > Math.Log(20));
    }

    [Fact]
    public void A_clear_rise_is_high_unless_it_is_allowed_and_no_data_is_no_rise()
    {
        double[] control = [.. Enumerable.Range(0, 30).Select(i => 100 + (i % 5 * 0.1))];
        double[] canary = [.. control.Select(v => v * 1.08)];

        Assert.True(KayentaJudge.IsHigh(canary, control));
        Assert.False(KayentaJudge.IsHigh(canary, control, 1.1));
        Assert.False(KayentaJudge.IsHigh(control, canary));
        Assert.False(KayentaJudge.IsHigh([], control));
        Assert.False(KayentaJudge.IsHigh(control, control));
    }

    [Fact]
    public void Failed_checks_add_up_whatever_passes_between_them()
    {
        FailedChecks flagger = FailedChecks.Flagger(5), argo = FailedChecks.Argo(3);
        for (int i = 0; i < 3; i++)
        {
            Assert.False(flagger.Check(false));
            Assert.False(flagger.Check(true));
            Assert.False(argo.Check(false));
        }
        Assert.True(argo.Check(false));
        Assert.False(flagger.Check(false));
        Assert.True(flagger.Check(false));
    }
}

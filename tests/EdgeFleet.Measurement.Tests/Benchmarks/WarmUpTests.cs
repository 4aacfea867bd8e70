using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class WarmUpTests
{
    private static readonly List<double> s_steady = [100, 101, 100, 100, 101, 100, 101, 100];
    private static readonly List<double> s_falling = [190, 180, 170, 160, 150, 140, 130, 120];

    [Fact]
    public void It_is_over_when_both_models_are_steady()
    {
        Assert.Equal((true, "steady after 8 windows of 500 ms"), Judge(s_steady, s_steady));
        Assert.Equal((true, "steady after 8 windows of 500 ms"), WarmUp.Judge([MeasuredModel.Candidate], Medians([], s_steady), TimeSpan.FromMilliseconds(500)));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void One_model_that_still_gets_faster_keeps_both_warming_up_and_is_named(bool baseline)
    {
        (bool isSteady, string reason) = baseline ? Judge(s_falling, s_steady) : Judge(s_steady, s_falling);

        Assert.False(isSteady);
        Assert.StartsWith($"not steady after 8 windows of 500 ms: {(baseline ? "baseline" : "candidate")}: ", reason, StringComparison.Ordinal);
        Assert.DoesNotContain(baseline ? "candidate: " : "baseline: ", reason, StringComparison.Ordinal);
    }

    private static (bool, string) Judge(List<double> baseline, List<double> candidate) =>
        WarmUp.Judge([MeasuredModel.Baseline, MeasuredModel.Candidate], Medians(baseline, candidate), TimeSpan.FromMilliseconds(500));

    private static Dictionary<MeasuredModel, List<double>> Medians(List<double> baseline, List<double> candidate) => new() { [MeasuredModel.Baseline] = baseline, [MeasuredModel.Candidate] = candidate };
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

/// <summary>The protocol in a second or two, on a machine that others use too.</summary>
internal static class ShortBench
{
    public static BenchJob Of(string candidate, string? baseline = null) => new()
    {
        CandidatePath = candidate,
        BaselinePath = baseline,
        Looks = [6],
        CellMs = 3,
        WarmUpMs = 20,
        ColdStarts = 1,
        TailInferences = 0,
        IdleSeconds = 1,
        Counters = false,
        GateWaitSeconds = null,
        Seed = 3,
        Condition = BenchCondition.Live,
    };
}

/// <summary>Progress as a test hears it: at once, on the thread that reports.</summary>
internal sealed class Reported(Action<BenchProgress> report) : IProgress<BenchProgress>
{
    public void Report(BenchProgress value) => report(value);
}

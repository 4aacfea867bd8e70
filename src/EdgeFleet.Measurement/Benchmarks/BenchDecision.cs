using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Statistics.Estimates;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// What paired blocks say against margins. Pure: the same blocks and the same margins give the same verdict, wherever it is
/// computed again.
/// </summary>
public sealed record BenchDecision(string Verdict, string Difference, double? Ratio, double? Low, double? High, string Reason)
{
    public const string Pass = "pass";
    public const string Fail = "fail";
    public const string Inconclusive = "inconclusive";

    /// <summary>
    /// Passes when the whole interval of the latency ratio and the peak memory are within their margins; fails when the whole
    /// interval, or the memory, is beyond. What is missing is never a pass.
    /// </summary>
    public static BenchDecision Of(IReadOnlyList<double> blockLogRatios, Reading baselineMemory, Reading candidateMemory, double latencyMargin, double memoryMargin, double confidence = 0.95)
    {
        if (BlockEstimator.Median(blockLogRatios, confidence) is not { } estimate)
        {
            return new BenchDecision(Inconclusive, "none", null, null, null, "no block was measured");
        }
        double ratio = Math.Exp(estimate.Median);
        if (estimate.Lower is not { } lower || estimate.Upper is not { } upper)
        {
            return new BenchDecision(Inconclusive, "none", ratio, null, null, Text($"{estimate.Count} blocks are too few for an interval at {confidence:P0}"));
        }
        string difference = upper < 0 ? "faster" : lower > 0 ? "slower" : "none";
        double low = Math.Exp(lower), high = Math.Exp(upper);
        string latency = Text($"latency ratio {ratio:0.000} [{low:0.000}, {high:0.000}] against a margin of {1 + latencyMargin:0.000}");
        (string memoryVerdict, string memory) = MemoryVerdict(baselineMemory, candidateMemory, memoryMargin);

        bool slower = lower > Math.Log(1 + latencyMargin);
        bool within = upper < Math.Log(1 + latencyMargin);
        string verdict = slower || memoryVerdict == Fail ? Fail : within && memoryVerdict == Pass ? Pass : Inconclusive;
        return new BenchDecision(verdict, difference, ratio, low, high, $"{latency}; {memory}");
    }

    private static (string Verdict, string Text) MemoryVerdict(Reading baseline, Reading candidate, double margin)
    {
        if (baseline.Value is not { } before || candidate.Value is not { } after || before <= 0)
        {
            return (Inconclusive, $"peak memory is absent: {candidate.Reason ?? baseline.Reason}");
        }
        double ratio = after / before;
        return (ratio <= 1 + margin ? Pass : Fail, Text($"peak memory ratio {ratio:0.000} against a margin of {1 + margin:0.000}"));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

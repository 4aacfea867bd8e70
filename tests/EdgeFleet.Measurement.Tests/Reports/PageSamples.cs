using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports;

namespace EdgeFleet.Measurement.Tests.Reports;

/// <summary>Evidence with everything in it, and with nothing.</summary>
internal static class PageSamples
{
    public static ModelNames Names { get; } = new("baseline.onnx", "candidate.onnx");

    /// <summary>Six blocks, the third of which does not count, with a meter that missed three samples in the middle.</summary>
    public static RawMeasurement Raw { get; } = new()
    {
        Cells = [.. Enumerable.Range(0, 24).Select(i => new RawCell(i / 4, IsBaseline(i) ? "baseline" : "candidate", 10 + i, 10.9 + i, 4, [.. Enumerable.Range(0, 50).Select(k => (IsBaseline(i) ? 31_000.0 : 26_000.0) + (10 * k))], i / 4 != 2))],
        BaselineTail = [.. Enumerable.Range(1, 1000).Select(k => 31_000.0 + k)],
        CandidateTail = [.. Enumerable.Range(1, 1000).Select(k => 26_000.0 + (k == 1000 ? 900_000 : k))],
        Power = [.. Enumerable.Range(0, 400).Select(k => new PowerSample(k / 10.0, k is >= 200 and < 203 ? null : 4 + (k % 3)))],
    };

    public static BenchEvidence Full(string words = "words") => new()
    {
        Verdict = "pass",
        Difference = "faster",
        Reason = $"{words} verdict reason",
        Warnings = [$"{words} warning"],
        Latency = new LatencyEvidence
        {
            Ratio = 0.84, Interval = [0.83, 0.85], Confidence = 0.978, Margin = 0.05, Looks = 2,
            Baseline = Summary(31), Candidate = Summary(26) with { P99 = Percentile.Absent($"{words} p99 reason") },
        },
        Memory = new MemoryEvidence { State = ReadingState.Measured, Ratio = 0.94, Margin = 0.1, Baseline = Memory(words, "baseline"), Candidate = Memory(words, "candidate") },
        Energy = new EnergyEvidence
        {
            State = ReadingState.Measured, Source = $"{words} energy source", Meter = new Dictionary<string, string> { [$"{words} meter key"] = $"{words} meter value" },
            Ratio = 0.74, Interval = [0.73, 0.75], IdlePower = Reading.Absent($"{words} idle reason"), Baseline = Energy(words, 230e-6), Candidate = Energy(words, 170e-6),
            Others = [$"{words} other meter"],
        },
        Counters = new CounterEvidence { State = ReadingState.Measured, Baseline = Counters(words, 92_000), Candidate = Counters(words, 75_000) },
        ColdStart = new ColdStartEvidence { Baseline = [new ColdStart(142, 11, 0.4, 0.06, true)], Candidate = [new ColdStart(143, 10, 0.4, 0.05, false)] },
        Outputs = new OutputEvidence { Inputs = 64, LargestDifference = 0.21, SameTop = 63 },
        Environment = new EnvironmentEvidence
        {
            Throttled = "yes", Causes = [$"{words} cause of throttling"], Steady = true, WarmUp = $"{words} warm-up", TimerNanos = 24, TimerResolutionNanos = 1,
            Figures = new Dictionary<string, BeforeAfter> { [$"{words} zone"] = new(48.2, null, $"{words} unit") },
        },
        Sweep = [new SweepResult { Point = new SweepPoint { Session = new SessionChoice { Provider = $"{words} provider" } }, Model = "candidate", Reason = $"{words} sweep reason" }],
        Condition = BenchCondition.Quiet,
        Blocks = 5,
        DiscardedBlocks = 1,
        BlockRecords = [.. Enumerable.Range(0, 6).Select(i => new BlockRecord(i, "ABBA", 31, 26, Math.Log(i == 5 ? 1.05 : 0.83 + (0.005 * i)), null, i == 2 ? [$"{words} block cause"] : []))],
        Raw = new RawSamples($"{words} raw path", new string('a', 64), 12_345),
        Fingerprint = new Dictionary<string, string> { [$"{words} fact"] = $"{words} fact value" },
        Seconds = 181,
    };

    /// <summary>One model alone on a device that tells nothing; each reason is its own.</summary>
    public static BenchEvidence Empty { get; } = new()
    {
        Verdict = "inconclusive",
        Difference = "none",
        Reason = "the verdict's reason",
        Latency = new LatencyEvidence { Candidate = Summary(26) with { P90 = Percentile.Absent("the reason of p90"), BlockMedianMicros = null, SwitchMicros = null } },
        Memory = MemoryEvidence.Absent("the reason of memory"),
        Energy = EnergyEvidence.Absent("the reason of energy", ["the reason of another meter"]),
        Counters = CounterEvidence.Absent("the reason of counters"),
        ColdStart = new ColdStartEvidence(),
        Condition = BenchCondition.Live,
        Blocks = 0,
        Fingerprint = new Dictionary<string, string>(),
    };

    private static bool IsBaseline(int cell) => cell % 4 is 0 or 3;

    private static LatencySummary Summary(double micros) => new()
    {
        Inferences = 30_000,
        P50 = new Percentile { Micros = micros, Interval = [micros * 0.99, micros * 1.01], EarlyStoppingMicros = micros * 1.02 },
        P90 = new Percentile { Micros = micros * 1.1, Interval = [micros, null] },
        P95 = Percentile.Of(micros * 1.2),
        P99 = Percentile.Of(micros * 1.3),
        MeanMicros = micros * 1.01,
        MaxMicros = micros * 9,
        BlockMedianMicros = micros,
        SwitchMicros = 2,
    };

    private static ModelMemory Memory(string words, string model) => new()
    {
        Peak = Reading.Measured(85e6, "bytes", $"{words} memory source"),
        ControlGroup = Reading.Absent($"{words} group reason of the {model}"),
        Accelerator = Reading.Absent($"{words} accelerator reason of the {model}"),
        Phases = [new MemoryPhase($"{words} phase", null, 20_000_000, 40_000_000, null, 0, 3)],
    };

    private static ModelEnergy Energy(string words, double joules) => new()
    {
        Total = Reading.Measured(joules, "J", $"{words} total source"), Dynamic = Reading.Absent($"{words} dynamic reason"), MeanWatts = 7, Samples = 100, Dropped = 3, Gaps = 1,
    };

    private static Dictionary<string, CounterReading> Counters(string words, double cycles) => new()
    {
        [$"{words} cycles"] = new CounterReading(ReadingState.Measured, cycles, 0.62, null),
        [$"{words} misses"] = new CounterReading(ReadingState.Absent, null, null, $"{words} counter reason"),
    };
}

using System.Globalization;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary>The outcome of a benchmark for a person: a table of the two, and the verdict in a sentence.</summary>
internal static class BenchTable
{
    private static readonly CultureInfo s_culture = CultureInfo.InvariantCulture;

    public static void Print(BenchEvidence evidence, Output output)
    {
        if (evidence.Blocks == 0 && evidence.BlockRecords.Count == 0)
        {
            output.Line($"verdict: {evidence.Reason}");
            return;
        }
        bool paired = evidence.Latency.Baseline is not null;
        List<string[]> rows = [.. Rows(evidence).Where(row => row[1].Length + row[2].Length > 0)];
        output.Table(paired ? ["", "BASELINE", "CANDIDATE"] : ["", "MODEL"], rows.Select(row => paired ? row : [row[0], row[2]]));
        PrintSweep(evidence, output);
        output.Line(evidence.Energy.State == ReadingState.Absent ? $"energy: absent: {evidence.Energy.Reason}" : $"energy: {evidence.Energy.Source}{Ratio(evidence.Energy)}");
        output.Line(evidence.Counters.State == ReadingState.Absent ? $"counters: absent: {evidence.Counters.Reason}" : "counters: per inference, user space only");
        output.Line($"condition: {evidence.Condition.ToString().ToLowerInvariant()}; warm-up: {evidence.Environment.WarmUp}; throttled: {evidence.Environment.Throttled}"
            + (evidence.Environment.Causes.Count > 0 ? $" ({string.Join("; ", evidence.Environment.Causes)})" : ""));
        foreach (string warning in evidence.Warnings)
        {
            output.Line($"warning: {warning}");
        }
        if (paired)
        {
            output.Line(string.Create(s_culture, $"{evidence.Blocks} paired blocks, {evidence.DiscardedBlocks} more were disturbed; difference: {evidence.Difference}"));
        }
        output.Line($"verdict: {evidence.Reason}");
        if (evidence is { Condition: BenchCondition.Quiet, Blocks: < 3, DiscardedBlocks: > 0 })
        {
            output.Line("hint: something else runs here; stop it, or judge the paired ratios alone with --live");
        }
    }

    private static void PrintSweep(BenchEvidence evidence, Output output)
    {
        if (evidence.Sweep.Count > 0)
        {
            output.Table(["SWEEP (coarse, claims no difference)", "MODEL", "P50", "P99", "INFERENCES/S", "PEAK MEMORY"], evidence.Sweep.Select(result => new[]
            {
                result.Point.ToString(), result.Model, result.Reason ?? Micros(result.P50), Micros(result.P99),
                result.InferencesPerSecond?.ToString("0.#", s_culture) ?? "", Figure(result.PeakMemory),
            }));
        }
    }

    private static IEnumerable<string[]> Rows(BenchEvidence evidence)
    {
        LatencySummary? before = evidence.Latency.Baseline;
        LatencySummary after = evidence.Latency.Candidate;
        yield return ["p50", Micros(before?.P50), Micros(after.P50)];
        yield return ["p90", Micros(before?.P90), Micros(after.P90)];
        yield return ["p95", Micros(before?.P95), Micros(after.P95)];
        yield return ["p99", Micros(before?.P99), Micros(after.P99)];
        yield return ["max", Micros(before?.MaxMicros), Micros(after.MaxMicros)];
        yield return ["first after a switch", Added(before?.SwitchMicros), Added(after.SwitchMicros)];
        yield return ["cold start", Cold(evidence.ColdStart.Baseline), Cold(evidence.ColdStart.Candidate)];
        yield return ["peak memory", Figure(evidence.Memory.Baseline?.Peak), Figure(evidence.Memory.Candidate?.Peak)];
        foreach (string phase in evidence.Memory.Candidate?.Phases.Select(phase => phase.Phase) ?? [])
        {
            yield return [$"  after {phase}", Phase(evidence.Memory.Baseline, phase), Phase(evidence.Memory.Candidate, phase)];
        }
        yield return ["energy", Energy(evidence.Energy.Baseline), Energy(evidence.Energy.Candidate)];
        yield return ["  above idle", Figure(evidence.Energy.Baseline?.Dynamic), Figure(evidence.Energy.Candidate?.Dynamic)];
        foreach ((string name, CounterReading candidate) in evidence.Counters.Candidate ?? new Dictionary<string, CounterReading>())
        {
            yield return [name, Counter(evidence.Counters.Baseline?.GetValueOrDefault(name)), Counter(candidate)];
        }
    }

    private static string Micros(Percentile? percentile)
    {
        if (percentile is null)
        {
            return "";
        }
        if (percentile.Micros is not { } micros)
        {
            return $"absent: {percentile.Reason}";
        }
        string ends = percentile.Interval is [var low, var high] ? $"  [{Number(low)}, {Number(high)}]" : "";
        return $"{Micros(micros)}{ends}";
    }

    private static string Number(double? value) => value?.ToString("0.0", s_culture) ?? "?";

    private static string Micros(double? micros) => micros?.ToString("0.0 µs", s_culture) ?? "";

    private static string Added(double? micros) => micros?.ToString("+0.0 µs;-0.0 µs", s_culture) ?? "";

    private static string Cold(IReadOnlyList<ColdStart> starts)
    {
        if (starts.Count == 0)
        {
            return "";
        }
        double[] totals = [.. starts.Select(start => start.ProcessMs + start.LoadMs + start.FirstInferenceMs).Order()];
        return string.Create(s_culture, $"{totals[totals.Length / 2]:0} ms  [{totals[0]:0}, {totals[^1]:0}]");
    }

    private static string Phase(ModelMemory? memory, string name) =>
        memory?.Phases.FirstOrDefault(phase => phase.Phase == name) is { } phase
            ? string.Create(s_culture, $"{Mebi(phase.PeakBytes)} peak, {Mebi(phase.AnonymousBytes)} anonymous, {Mebi(phase.FileBytes)} of files")
            : "";

    /// <summary>Four digits whatever the size: an inference takes from microjoules to joules.</summary>
    public static string Joules(double joules) => Math.Abs(joules) switch
    {
        >= 1 => joules.ToString("0.000 J", s_culture),
        >= 1e-3 => (joules * 1e3).ToString("0.000 mJ", s_culture),
        _ => (joules * 1e6).ToString("0.000 µJ", s_culture),
    };

    /// <summary>With its standard uncertainty where it has one.</summary>
    private static string Energy(ModelEnergy? energy) =>
        Figure(energy?.Total) + (energy is { Total.State: not ReadingState.Absent, Uncertainty: { } uncertainty } ? $" ± {Joules(uncertainty)}" : "");

    private static string Ratio(EnergyEvidence energy) => energy switch
    {
        { Ratio: { } ratio, Interval: [var low, var high] } => string.Create(s_culture, $"; ratio {ratio:0.000} [{low:0.000}, {high:0.000}]"),
        { Ratio: { } ratio } => string.Create(s_culture, $"; ratio {ratio:0.000}"),
        _ => "",
    };

    public static string Mebi(long? bytes) => bytes is { } value ? (value / (double)(1 << 20)).ToString("0.0 MiB", s_culture) : "absent";

    private static string Counter(CounterReading? reading) => reading switch
    {
        null => "",
        { PerInference: { } count } => count.ToString("0.###", s_culture) + (reading.RunningShare < 0.95 ? string.Create(s_culture, $" (counted {reading.RunningShare:P0} of the time)") : ""),
        _ => $"absent: {reading.Reason}",
    };

    private static string Figure(Reading? reading) => reading switch
    {
        null => "",
        { State: ReadingState.Absent } => $"absent: {reading.Reason}",
        { Unit: "bytes" } => Mebi((long)reading.Value!.Value),
        { Unit: "J" } => Joules(reading.Value!.Value),
        _ => $"{reading.Value!.Value.ToString("0.###", s_culture)} {reading.Unit}",
    } + (reading?.State == ReadingState.Modelled ? " (modelled)" : "");
}

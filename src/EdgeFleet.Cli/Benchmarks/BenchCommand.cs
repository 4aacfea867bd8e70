using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux;
using EdgeFleet.Linux.Hardware;
using EdgeFleet.Measurement.Benchmarks;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary><c>edgefleet bench</c>: the benchmark that devices run, anywhere and without a controller.</summary>
internal static class BenchCommand
{
    private static readonly Option<FileInfo> s_baseline = new("--baseline", "-b") { Description = "The ONNX model to compare with, or the only one to measure.", Required = true };
    private static readonly Option<FileInfo?> s_candidate = new("--candidate", "-c") { Description = "The ONNX model on trial. Without it the baseline is measured alone." };
    private static readonly Option<int> s_threads = CheckedOption.Whole("--threads", "Threads of one inference.", 1, 1, 1024);
    // With fewer than six the median has no interval at 95 %: even all of one sign is one chance in 2^4.
    private static readonly Option<int> s_blocks = CheckedOption.Whole("--blocks", "Paired blocks; the block is the unit of the statistics.", 30, 6, 10_000);
    private static readonly Option<int> s_blockMs = CheckedOption.Whole("--block-ms", "Milliseconds of one model's part of a block.", 100, 1, 600_000);
    private static readonly Option<double> s_margin = CheckedOption.Number("--margin", "Share by which the candidate may be slower (0.05 = 5 %).", 0.05, 0, 10);
    private static readonly Option<FileInfo?> s_lease = new("--lease") { Description = "A file whose lock lets one benchmark run at a time on this machine." };
    private static readonly Option<DirectoryInfo?> s_root = new("--root") { Description = "Read /proc and /sys below this folder instead." };

    public static Command Create()
    {
        Command command = new("bench", """
            Compare two models on this machine in randomised paired blocks and say pass, fail or inconclusive with the interval.
              edgefleet bench --baseline model.onnx --candidate out/int8/model.onnx
            Exits 1 when the candidate fails. A figure that cannot be measured here is absent, with the reason.
            """) { s_baseline, s_candidate, s_threads, s_blocks, s_blockMs, s_margin, s_lease, s_root };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        string baseline = Existing(parsed.GetRequiredValue(s_baseline));
        string? candidate = parsed.GetValue(s_candidate) is { } file ? Existing(file) : null;
        string root = parsed.GetValue(s_root)?.FullName ?? "/";
        int threads = parsed.GetValue(s_threads);
        BenchJob job = new()
        {
            BaselinePath = candidate is null ? null : baseline,
            CandidatePath = candidate ?? baseline,
            IntraOpThreads = threads,
            Blocks = parsed.GetValue(s_blocks),
            BlockMs = parsed.GetValue(s_blockMs),
            LatencyMargin = parsed.GetValue(s_margin),
            LeaseFile = parsed.GetValue(s_lease)?.FullName,
            Seed = (ulong)Random.Shared.NextInt64(),
            SystemRoot = root,
            HardwareClass = new HardwareReader(new SystemRoot(root)).Read($"onnxruntime-{EdgeFleet.Inference.InferenceRuntime.Version}", "cpu", threads).ClassId,
        };
        BenchEvidence evidence;
        try
        {
            evidence = await PairedBenchmark.RunAsync(job, new Notes(output), cancellationToken);
        }
        catch (BenchException ex)
        {
            throw new CommandFailedException(ExitCode.VerdictIsNo, ex.Message, ex);
        }
        Print(evidence, candidate is not null, output);
        output.Json(Document(evidence));
        return evidence.Verdict == "fail" ? ExitCode.VerdictIsNo : ExitCode.Done;
    }

    private static string Existing(FileInfo file) => file.Exists ? file.FullName : throw new FileNotFoundException($"model '{file.FullName}' does not exist");

    private static void Print(BenchEvidence evidence, bool paired, Output output)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string Micros(double? value) => value?.ToString("0.0 µs", culture) ?? "-";
        string Figure(Reading reading) => reading.State == ReadingState.Absent
            ? $"absent: {reading.Reason}"
            : reading.Unit == "bytes" ? (reading.Value!.Value / (1 << 20)).ToString("0.0 MiB", culture) : $"{reading.Value!.Value.ToString("0.###", culture)} {reading.Unit}";
        List<string[]> rows =
        [
            ["p50", Micros(evidence.Baseline?.P50Micros), Micros(evidence.Candidate.P50Micros)],
            ["p95", Micros(evidence.Baseline?.P95Micros), Micros(evidence.Candidate.P95Micros)],
            ["p99", Micros(evidence.Baseline?.P99Micros), Micros(evidence.Candidate.P99Micros)],
            ["load", Figure(evidence.BaselineLoad), Figure(evidence.CandidateLoad)],
            ["peak memory", Figure(evidence.BaselinePeakMemory), Figure(evidence.CandidatePeakMemory)],
        ];
        output.Table(paired ? ["", "BASELINE", "CANDIDATE"] : ["", "MODEL"], rows.Select(row => paired ? row : [row[0], row[2]]));
        output.Line($"energy: {Figure(evidence.Energy)}");
        if (paired)
        {
            output.Line(string.Create(culture, $"latency ratio {evidence.LatencyRatio:0.000}, {evidence.Confidence:P0} interval {evidence.LatencyRatioLow:0.000} to {evidence.LatencyRatioHigh:0.000} over {evidence.Blocks} paired blocks: {evidence.Difference}"));
            output.Line($"verdict: {evidence.Verdict}: {evidence.Reason}");
        }
    }

    private static JsonObject Document(BenchEvidence evidence)
    {
        JsonNode whole = JsonSerializer.SerializeToNode(evidence, EvidenceJsonContext.Default.BenchEvidence)!;
        JsonNode? Take(string name) => whole[name]?.DeepClone();
        return new JsonObject
        {
            ["verdict"] = Take("verdict"),
            ["difference"] = Take("difference"),
            ["reason"] = Take("reason"),
            ["latency"] = new JsonObject
            {
                ["ratio"] = Take("latencyRatio"),
                ["interval"] = evidence.LatencyRatioLow is null ? null : new JsonArray(Take("latencyRatioLow"), Take("latencyRatioHigh")),
                ["confidence"] = Take("confidence"),
                ["baseline"] = Take("baseline"),
                ["candidate"] = Take("candidate"),
                ["blockLogRatios"] = Take("blockLogRatios"),
            },
            ["memory"] = new JsonObject { ["baseline"] = Take("baselinePeakMemory"), ["candidate"] = Take("candidatePeakMemory") },
            ["load"] = new JsonObject { ["baseline"] = Take("baselineLoad"), ["candidate"] = Take("candidateLoad") },
            ["energy"] = Take("energy"),
            ["counters"] = new JsonObject { ["state"] = "absent", ["reason"] = "processor counters are not read by this version" },
            ["condition"] = Take("condition"),
            ["blocks"] = Take("blocks"),
            ["discardedBlocks"] = Take("discardedBlocks"),
            ["seconds"] = Take("seconds"),
            ["fingerprint"] = Take("fingerprint"),
        };
    }

    private sealed class Notes(Output output) : IProgress<BenchProgress>
    {
        private string _last = "";

        public void Report(BenchProgress value)
        {
            if (value.Stage != _last)
            {
                _last = value.Stage;
                output.Note($"{value.Stage} …");
            }
        }
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EdgeFleet.Cli.Terminal;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Hardware;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Reports;

namespace EdgeFleet.Cli.Benchmarks;

/// <summary><c>edgefleet bench</c>: the benchmark that devices run, anywhere and without a controller.</summary>
internal static class BenchCommand
{
    /// <summary>Every key in every document: what is not there is null, so that a script finds it.</summary>
    private static readonly EvidenceJsonContext s_document = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.Never });

    private static readonly Option<FileInfo?> s_baseline = new("--baseline", "-b") { Description = "The ONNX model to compare with, or the only one to measure.", HelpName = "MODEL" };
    private static readonly Option<FileInfo?> s_candidate = new("--candidate", "-c") { Description = "The ONNX model on trial. Without it the baseline is measured alone.", HelpName = "MODEL" };
    private static readonly Option<FileInfo?> s_input = new("--input") { Description = "A dataset file (kind: Dataset) whose rows are fed to both in the same order; without it, seeded noise.", HelpName = "DATASET" };
    private static readonly Option<string> s_split = new("--split") { Description = "Which split of the dataset.", HelpName = "NAME", DefaultValueFactory = _ => "test" };
    private static readonly Option<int?> s_blocks = CheckedOption.Whole("--blocks", "Paired blocks, looked at once. Without it: looks at 12, 20 and 30, and stops as soon as the verdict is clear.", 3, 10_000);
    private static readonly Option<int> s_cellMs = CheckedOption.Whole("--cell-ms", "Milliseconds of one of the four cells of a block; a meter may need longer ones.", 100, 1, 600_000);
    private static readonly Option<int> s_warmUpMs = CheckedOption.Whole("--warm-up-ms", "The most that each model is warmed up; it ends as soon as its windows agree.", 30_000, 1, 600_000);
    private static readonly Option<int> s_coldStarts = CheckedOption.Whole("--cold-starts", "Starts of each model in a process of its own.", 3, 0, 100);
    private static readonly Option<int> s_tail = CheckedOption.Whole("--tail", "Single inferences for the percentiles, at most a minute of them; p99 takes 662.", 1000, 0, 1_000_000);
    private static readonly Option<int> s_idle = CheckedOption.Whole("--idle-seconds", "Idle power is read for so long before the models are loaded, and half as long after. No meter, no wait.", 20, 1, 3600);
    private static readonly Option<bool> s_live = new("--live") { Description = "The device goes on serving meanwhile: only the paired ratios mean anything." };
    private static readonly Option<double> s_margin = CheckedOption.Number("--margin", "Share by which the candidate may be slower (0.05 = 5 %).", 0.05, 0, 10);
    private static readonly Option<double> s_memoryMargin = CheckedOption.Number("--memory-margin", "Share by which its peak memory may be larger.", 0.10, 0, 10);
    private static readonly Option<double?> s_energyMargin = CheckedOption.Number("--energy-margin", "Share by which it may take more energy; with it there is no pass without a meter.", 0, 10);
    private static readonly Option<ulong?> s_seed = new("--seed") { Description = "Orders, paddings and synthetic inputs come from it; drawn and reported where it is not given.", HelpName = "NUMBER" };
    private static readonly Option<string?> s_governor = new("--governor") { Description = "A frequency governor (such as performance) for the time of the measurement, put back however it ends. Needs root.", HelpName = "NAME" };
    private static readonly Option<int?> s_memoryLimit = CheckedOption.Whole("--memory-limit-mib", "End a model whose process takes more than so many MiB; looked at four times a second, so a control group is the harder limit.", 1, 1 << 20);
    private static readonly Option<int> s_wait = CheckedOption.Whole("--wait", "Seconds to wait for a device that is busy or hot, before nothing is measured. With a low battery nothing is measured at once.", 30, 0, 86_400);
    private static readonly Option<bool> s_anyway = new("--anyway") { Description = "Measure in whatever state the device is; disturbed blocks are still measured again." };
    private static readonly Option<bool> s_noCounters = new("--no-counters") { Description = "Leave the processor counters out." };
    private static readonly Option<FileInfo?> s_raw = new("--raw") { Description = "Write every sample there, gzipped JSON.", HelpName = "FILE" };
    private static readonly Option<FileInfo?> s_html = new("--html") { Description = "Write the result there as one page that needs nothing else: distributions, blocks, power, fingerprint.", HelpName = "FILE" };
    private static readonly Option<FileInfo?> s_lease = new("--lease") { Description = "A file whose lock lets one benchmark run at a time on this machine.", HelpName = "FILE" };
    private static readonly Option<DirectoryInfo?> s_root = new("--root") { Description = "Read /proc and /sys below this folder instead.", HelpName = "FOLDER" };

    public static Command Create()
    {
        Command command = new("bench", """
            Compare two models on this machine in randomised paired blocks and say pass, fail or inconclusive with the interval.
              edgefleet bench --baseline model.onnx --candidate out/int8/model.onnx --html report.html
            Each model runs in a process of its own. Exits 1 when the candidate fails. A figure that cannot be measured here is
            absent, with the reason; edgefleet doctor says what to do about it.
            """)
        {
            s_baseline, s_candidate, s_input, s_split, s_blocks, s_cellMs, s_warmUpMs, s_coldStarts, s_tail, s_idle, s_live, s_margin, s_memoryMargin,
            s_energyMargin, s_seed, s_governor, s_memoryLimit, s_wait, s_anyway, s_noCounters, s_raw, s_html, s_lease, s_root,
        };
        foreach (Option option in SessionOptions.All.Concat(MeterOptions.All).Concat(SweepOptions.All))
        {
            command.Options.Add(option);
        }
        command.Subcommands.Add(BenchCompareCommand.Create());
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        Output output = Output.Of(parsed);
        using BenchInputs? inputs = parsed.GetValue(s_input) is { } dataset ? BenchInputs.Of(dataset.FullName, parsed.GetValue(s_split)!, Baseline(parsed)) : null;
        FileInfo? html = Writable("--html", parsed.GetValue(s_html)), raw = Writable("--raw", parsed.GetValue(s_raw));
        BenchJob job = JobOf(parsed) with { InputPath = inputs?.Path };
        BenchOutcome outcome;
        try
        {
            using BenchDisplay display = new(output);
            outcome = await PairedBenchmark.RunAsync(job, OwnProgram.Find("edgefleet.dll"), display, cancellationToken);
        }
        catch (BenchException ex)
        {
            // Of one model alone, or of the baseline, nothing is judged; a candidate that cannot be measured fails.
            outcome = job.BaselinePath is null || ex.OfBaseline || ex.Code == BenchException.WorldFailed
                ? throw new CommandFailedException(ExitCode.WorldFailed, ex.Message, ex)
                : new BenchOutcome(FailedBench.Of(job, ex), new RawMeasurement());
        }
        BenchEvidence evidence = outcome.Evidence;
        // What was measured is said whatever becomes of the files.
        string? unwritten = null;
        evidence = raw is null ? evidence : evidence with { Raw = Try("--raw", raw, () => outcome.Raw.Save(raw.FullName), ref unwritten) };
        if (html is not null)
        {
            string page = BenchPage.Of(evidence, outcome.Raw, NamesOf(parsed));
            Try("--html", html, () => { File.WriteAllText(html.FullName, page); return page; }, ref unwritten);
        }
        BenchTable.Print(evidence, output);
        output.Json(JsonSerializer.SerializeToNode(evidence, s_document.BenchEvidence));
        if (unwritten is not null)
        {
            Output.Problem(unwritten);
            return ExitCode.WorldFailed;
        }
        return evidence.Verdict == "fail" ? ExitCode.VerdictIsNo : ExitCode.Done;
    }

    private static T? Try<T>(string option, FileInfo file, Func<T> write, ref string? unwritten)
        where T : class
    {
        try
        {
            return write();
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            unwritten = $"{option} {file.FullName}: {ex.Message}";
            return null;
        }
    }

    /// <summary>The files as they were typed.</summary>
    private static ModelNames NamesOf(ParseResult parsed) => parsed.GetValue(s_candidate) is { } candidate
        ? new ModelNames(parsed.GetValue(s_baseline)!.ToString(), candidate.ToString())
        : new ModelNames(null, parsed.GetValue(s_baseline)!.ToString());

    /// <summary>Found out before the minutes that a benchmark takes, not after.</summary>
    private static FileInfo? Writable(string option, FileInfo? file)
    {
        bool isNew = file is { Exists: false };
        try
        {
            file?.Open(FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(ExitCode.WorldFailed, $"{option} {file!.FullName}: {ex.Message}", ex);
        }
        if (isNew)
        {
            file!.Delete(); // a benchmark that is interrupted leaves no empty file
        }
        return file;
    }

    internal static BenchJob JobOf(ParseResult parsed)
    {
        string baseline = Baseline(parsed);
        string? candidate = parsed.GetValue(s_candidate) is { } file ? Existing(file) : null;
        DirectoryInfo? tree = parsed.GetValue(s_root);
        // A mistyped folder would be a device on which nothing can be measured.
        string root = tree is { Exists: false } ? throw new DirectoryNotFoundException($"folder '{tree.FullName}' does not exist") : tree?.FullName ?? "/";
        SessionChoice session = SessionOptions.Of(parsed);
        return new BenchJob
        {
            BaselinePath = candidate is null ? null : baseline,
            CandidatePath = candidate ?? baseline,
            Session = session,
            Cpus = parsed.GetValue(SessionOptions.Cpus),
            Looks = parsed.GetValue(s_blocks) is { } blocks ? [blocks] : BenchJob.StandardLooks,
            CellMs = parsed.GetValue(s_cellMs),
            WarmUpMs = parsed.GetValue(s_warmUpMs),
            ColdStarts = parsed.GetValue(s_coldStarts),
            TailInferences = parsed.GetValue(s_tail),
            IdleSeconds = parsed.GetValue(s_idle),
            Condition = parsed.GetValue(s_live) ? BenchCondition.Live : BenchCondition.Quiet,
            LatencyMargin = parsed.GetValue(s_margin),
            MemoryMargin = parsed.GetValue(s_memoryMargin),
            EnergyMargin = parsed.GetValue(s_energyMargin),
            MemoryLimitBytes = (long?)parsed.GetValue(s_memoryLimit) << 20,
            GateWaitSeconds = parsed.GetValue(s_anyway) ? null : parsed.GetValue(s_wait),
            Counters = !parsed.GetValue(s_noCounters),
            Meter = MeterOptions.Of(parsed),
            Marker = parsed.GetValue(MeterOptions.Marker),
            Sweep = SweepOptions.Of(parsed, session),
            Governor = parsed.GetValue(s_governor),
            LeaseFile = parsed.GetValue(s_lease)?.FullName,
            Seed = parsed.GetValue(s_seed) ?? (ulong)Random.Shared.NextInt64(),
            SystemRoot = root,
            HardwareClass = new HardwareReader(new KernelFiles(root)).Read($"onnxruntime-{InferenceRuntime.Version}", "cpu", session.Threads).ClassId,
        };
    }

    /// <summary>Not a required option: the subcommands do without it.</summary>
    private static string Baseline(ParseResult parsed) => parsed.GetValue(s_baseline) is { } file ? Existing(file) : throw new CommandFailedException(ExitCode.WrongUsage, "--baseline is required: the ONNX model to compare with, or the only one to measure");

    /// <summary>Pipes and devices have no length: whoever reads them may wait for ever.</summary>
    private static string Existing(FileInfo file) =>
        !file.Exists ? throw new FileNotFoundException($"model '{file.FullName}' does not exist")
        : file.Length == 0 ? throw new IOException($"model '{file.FullName}' is empty, or no regular file")
        : file.FullName;
}

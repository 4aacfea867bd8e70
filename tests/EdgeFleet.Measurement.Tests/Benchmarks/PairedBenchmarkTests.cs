using System.Runtime.InteropServices;
using System.Text.Json;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Tests.Hosts;
using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class PairedBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_candidate_with_many_times_the_work_is_slower_and_fails_and_the_other_way_round_it_is_faster_and_passes()
    {
        string light = _folder.Write("light.onnx", TinyModel.Work(64, 2));
        string heavy = _folder.Write("heavy.onnx", TinyModel.Work(64, 200));

        BenchEvidence slower = await RunAsync(Short(heavy, light));
        Assert.Equal(("fail", "slower"), (slower.Verdict, slower.Difference));
        Assert.True(slower.Latency.Interval![0] > 1.05);

        BenchEvidence faster = await RunAsync(Short(light, heavy));
        Assert.Equal(("pass", "faster"), (faster.Verdict, faster.Difference));
        Assert.True(faster.Latency.Candidate.P50.Micros < faster.Latency.Baseline!.P50.Micros);
    }

    [Fact]
    public async Task The_evidence_holds_what_its_verdict_was_made_of()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(32, 4));
        BenchOutcome outcome = await OutcomeAsync(Short(model, model) with { HardwareClass = "test-class" });
        BenchEvidence evidence = outcome.Evidence;

        BlockVerdict again = BlockVerdict.Of(
            GroupSequential.OneLook(6).At(evidence.Blocks),
            [
                MetricBlocks.Measured("latency", evidence.Latency.BlockLogRatios, evidence.Latency.Margin),
                MetricBlocks.Once("peak memory", evidence.Memory.Baseline!.Peak.Value!.Value, evidence.Memory.Candidate!.Peak.Value!.Value, evidence.Memory.Margin),
            ],
            Soundness.Sound);
        Assert.Equal((evidence.Verdict, evidence.Difference, evidence.Reason), (again.Verdict.Word(), again.Difference.Word(), again.Sentence));

        Assert.Equal(6, evidence.Blocks);
        Assert.Equal(evidence.Blocks + evidence.DiscardedBlocks, evidence.BlockRecords.Count);
        Assert.All(evidence.BlockRecords, block => Assert.True(block.Order is "ABBA" or "BAAB"));
        Assert.Equal(evidence.Latency.BlockLogRatios, evidence.BlockRecords.Where(block => block.Causes.Count == 0).Select(block => block.LogRatio!.Value));
        Assert.Equal(4 * evidence.BlockRecords.Count, outcome.Raw.Cells.Count);
        Assert.True(evidence.Memory.Candidate.Peak.Value > 10e6);
        Assert.Single(evidence.ColdStart.Candidate);
        Assert.True(evidence.ColdStart.Candidate[0] is { ProcessMs: > 0, LoadMs: > 0, FirstInferenceMs: > 0 });
        Assert.Equal((16, 16, 0.0), (evidence.Outputs!.Inputs, evidence.Outputs.SameTop, evidence.Outputs.LargestDifference));
        Assert.Equal("test-class", evidence.Fingerprint["hardwareClass"]);
        Assert.Equal("onnxruntime 1.29.0", evidence.Fingerprint["runtime"]);
        Assert.Equal(evidence.Fingerprint["baselineSha256"], evidence.Fingerprint["candidateSha256"]);

        // What is reported is what is printed: nothing is lost on the way through JSON.
        string json = JsonSerializer.Serialize(evidence, EvidenceJsonContext.Default.BenchEvidence);
        BenchEvidence read = JsonSerializer.Deserialize(json, EvidenceJsonContext.Default.BenchEvidence)!;
        Assert.Equal(json, JsonSerializer.Serialize(read, EvidenceJsonContext.Default.BenchEvidence));
    }

    [Fact]
    public async Task Missing_evidence_has_its_reason_and_no_value()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        BenchEvidence evidence = await RunAsync(Short(model, model) with { SystemRoot = _folder["nothing"], GateWaitSeconds = 0 });

        Assert.Equal((ReadingState.Absent, null), (evidence.Energy.State, evidence.Energy.Ratio));
        Assert.False(string.IsNullOrEmpty(evidence.Energy.Reason));
        Assert.Equal(ReadingState.Absent, evidence.Counters.State);
        Assert.Contains("temperature: no thermal zone tells both its temperature and a passive trip", evidence.Environment.Unwatched);
        Assert.Contains(evidence.Warnings, warning => warning.Contains("how much memory is available is not known", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_tail_phase_states_percentiles_with_intervals_and_the_early_stopping_bound()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        BenchEvidence evidence = await RunAsync(Short(model) with { TailInferences = 1000 });

        LatencySummary latency = evidence.Latency.Candidate;
        Assert.Equal(1000, latency.Inferences);
        Assert.True(latency.P50.Micros <= latency.P90.Micros && latency.P90.Micros <= latency.P99.Micros && latency.P99.Micros <= latency.MaxMicros);
        Assert.True(latency.P99.Interval![0] <= latency.P99.Micros && latency.P99.Micros <= latency.P99.Interval[1]);
        Assert.True(latency.P99.EarlyStoppingMicros >= latency.P99.Micros);
    }

    [Fact]
    public async Task A_tail_of_more_inferences_than_a_host_remembers_is_measured_in_several_cells()
    {
        BenchEvidence evidence = await RunAsync(Short(_folder.Write("a.onnx", TinyModel.Work(8, 1))) with { TailInferences = 200_000 });
        Assert.Equal(200_000, evidence.Latency.Candidate.Inferences);
    }

    [Fact]
    public async Task Models_whose_inputs_are_of_another_size_are_not_compared()
    {
        string free = _folder.Write("free.onnx", TinyModel.AddBias([1, 2, 3], rows: -1)), four = _folder.Write("four.onnx", TinyModel.AddBias([1, 2, 3], rows: 4));
        BenchException refused = await Assert.ThrowsAsync<BenchException>(() => RunAsync(Short(four, free)));
        Assert.Equal(BenchException.ContractChanged, refused.Code);
        Assert.Contains("input 'x' is [1,3] in the baseline and [4,3] in the candidate", refused.Message, StringComparison.Ordinal);
        Assert.Contains("a free dimension of 4 makes them the same", refused.Message, StringComparison.Ordinal);

        BenchEvidence evidence = await RunAsync(Short(four, free) with { Session = new SessionChoice { FreeDimension = 4 } });
        Assert.Equal((0.0, 16), (evidence.Outputs!.LargestDifference, evidence.Outputs.Inputs));
    }

    [Fact]
    public async Task A_sweep_tries_no_batch_that_a_model_does_not_take_and_no_rate_above_what_it_answers()
    {
        string model = _folder.Write("fixed.onnx", TinyModel.AddBias([1, 2, 3]));
        SessionChoice session = new();
        BenchEvidence evidence = await RunAsync(Short(model) with
        {
            Sweep = [new SweepPoint { Session = session with { FreeDimension = 8 } }, new SweepPoint { Session = session, RequestsPerSecond = 1e9 }, new SweepPoint { Session = session, RequestsPerSecond = 100 }],
        });
        Assert.Equal("its first dimension is fixed, so a batch of 8 cannot be tried", evidence.Sweep[0].Reason);
        Assert.Equal((null, null), (evidence.Sweep[0].InferencesPerSecond, evidence.Sweep[1].P50));
        Assert.StartsWith("above its capacity: 1000000000 requests per second were offered, and it answers about ", evidence.Sweep[1].Reason, StringComparison.Ordinal);
        Assert.Null(evidence.Sweep[2].Reason);
        Assert.InRange(evidence.Sweep[2].InferencesPerSecond!.Value, 10, 200);
    }

    [Fact]
    public async Task A_slow_model_is_not_warmed_up_for_longer_than_was_given()
    {
        BenchEvidence evidence = await RunAsync(Short(_folder.Write("heavy.onnx", TinyModel.Work(256, 100))) with { WarmUpMs = 1, Looks = [3] });
        Assert.StartsWith("not steady after 1 windows", evidence.Environment.WarmUp, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_model_alone_is_timed_and_judged_against_nothing()
    {
        BenchEvidence evidence = await RunAsync(Short(_folder.Write("a.onnx", TinyModel.Work(32, 4))));

        Assert.Equal(("inconclusive", "no baseline was given to compare with"), (evidence.Verdict, evidence.Reason));
        Assert.Null(evidence.Latency.Ratio);
        Assert.Null(evidence.Latency.Baseline);
        Assert.Null(evidence.Memory.Baseline);
        Assert.True(evidence.Latency.Candidate.Inferences >= 6 * 4 * 25);
        Assert.All(evidence.BlockRecords, block => Assert.Equal("BBBB", block.Order));
    }

    [Theory]
    [InlineData("garbage", BenchException.ModelNotLoaded)]
    [InlineData("missing", BenchException.ModelNotLoaded)]
    [InlineData("contract", BenchException.ContractChanged)]
    [InlineData("nan", BenchException.NonFinite)]
    public async Task A_candidate_that_cannot_be_measured_is_named_with_a_code(string fault, string code)
    {
        string baseline = _folder.Write("baseline.onnx", TinyModel.AddBias([1, 2]));
        string inputs = _folder.Write("inputs.bin", MemoryMarshal.AsBytes<float>([-1, -2]).ToArray());
        string candidate = fault switch
        {
            "garbage" => _folder.Write("candidate.onnx", "not a model"),
            "missing" => _folder["candidate.onnx"],
            "nan" => _folder.Write("candidate.onnx", TinyModel.SquareRoot(2)),
            _ => _folder.Write("candidate.onnx", TinyModel.AddBias([1, 2, 3])),
        };

        BenchException error = await Assert.ThrowsAsync<BenchException>(() =>
            RunAsync(Short(candidate, baseline) with { InputPath = fault == "nan" ? inputs : null }));

        Assert.Equal((code, false), (error.Code, error.OfBaseline));
        Assert.Contains(candidate, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_baseline_that_cannot_be_measured_is_not_the_candidate_s_fault()
    {
        string baseline = _folder.Write("baseline.onnx", "not a model");
        string candidate = _folder.Write("candidate.onnx", TinyModel.AddBias([1, 2]));

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => RunAsync(Short(candidate, baseline)));

        Assert.True(error.OfBaseline);
    }

    [Fact]
    public async Task Cold_starts_alone_are_measured_where_no_block_is_asked_for()
    {
        BenchEvidence evidence = await RunAsync(Short(_folder.Write("a.onnx", TinyModel.Work(16, 1))) with { ColdStarts = 2, Looks = [] });

        Assert.Equal((0, 2), (evidence.Blocks, evidence.ColdStart.Candidate.Count));
        Assert.Null(evidence.Latency.Candidate.P50.Micros);
        Assert.NotNull(evidence.Latency.Candidate.P50.Reason);
    }

    [Fact]
    public async Task Only_one_benchmark_runs_on_a_machine_at_a_time()
    {
        string lease = _folder["bench.lease"];
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        FileLease held = FileLease.TryAcquire(lease)!;

        Task<BenchOutcome> second = OutcomeAsync(
            Short(model) with { LeaseFile = lease },
            new Reported(progress => { if (progress.Stage == "waiting for lease") { waiting.TrySetResult(); } }));
        await waiting.Task;
        Assert.False(second.IsCompleted);
        held.Dispose();

        Assert.Equal(6, (await second).Evidence.Blocks);
    }

    [Fact]
    public async Task A_benchmark_can_be_cancelled_between_blocks_and_its_hosts_are_gone_then()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        using CancellationTokenSource cancel = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => OutcomeAsync(
            Short(model),
            new Reported(progress => { if (progress.Stage == "measuring") { cancel.Cancel(); } }),
            cancel.Token));
    }

    /// <summary>Short, and as on a device that serves: what else runs on the machine of the tests is no cause to measure again.</summary>
    private static BenchJob Short(string candidate, string? baseline = null) => ShortBench.Of(candidate, baseline);

    private static async Task<BenchEvidence> RunAsync(BenchJob job) => (await OutcomeAsync(job)).Evidence;

    private static Task<BenchOutcome> OutcomeAsync(BenchJob job, IProgress<BenchProgress>? progress = null, CancellationToken cancellationToken = default) =>
        PairedBenchmark.RunAsync(job, TestHosts.Program, progress, cancellationToken);
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests;

public sealed class PairedBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task A_candidate_with_many_times_the_work_is_slower_and_fails_and_the_other_way_round_it_is_faster_and_passes()
    {
        string light = _folder.Write("light.onnx", TinyModel.Work(64, 2));
        string heavy = _folder.Write("heavy.onnx", TinyModel.Work(64, 60));

        BenchEvidence slower = await RunAsync(new BenchJob { BaselinePath = light, CandidatePath = heavy });
        Assert.Equal(("fail", "slower"), (slower.Verdict, slower.Difference));
        Assert.True(slower.LatencyRatioLow > 1);

        BenchEvidence faster = await RunAsync(new BenchJob { BaselinePath = heavy, CandidatePath = light });
        Assert.Equal(("pass", "faster"), (faster.Verdict, faster.Difference));
        Assert.True(faster.Candidate.P50Micros < faster.Baseline!.P50Micros);
    }

    [Fact]
    public async Task The_evidence_holds_what_its_verdict_was_made_of()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(32, 4));
        BenchEvidence evidence = await RunAsync(new BenchJob { BaselinePath = model, CandidatePath = model, HardwareClass = "test-class" });

        BenchDecision again = BenchDecision.Of(
            evidence.BlockLogRatios, evidence.BaselinePeakMemory, evidence.CandidatePeakMemory, evidence.LatencyMargin, evidence.MemoryMargin);
        Assert.Equal((evidence.Verdict, evidence.Difference, evidence.Reason), (again.Verdict, again.Difference, again.Reason));
        Assert.Equal(12, evidence.Blocks);
        // As many sessions as their loading allows, and never too few for an interval.
        Assert.InRange(evidence.BlockLogRatios.Count, 6, 12);
        Assert.Equal($"{evidence.BlockLogRatios.Count}", evidence.Fingerprint["sessions"]);
        Assert.Equal(ReadingState.Absent, evidence.Energy.State);
        Assert.NotNull(evidence.Energy.Reason);
        Assert.Equal("ms", evidence.BaselineLoad.Unit);
        Assert.Equal("bytes", evidence.CandidatePeakMemory.Unit);
        Assert.True(evidence.CandidatePeakMemory.Value > 10e6);
        Assert.Equal("test-class", evidence.Fingerprint["hardwareClass"]);
        Assert.Equal("onnxruntime 1.29.0", evidence.Fingerprint["runtime"]);
        Assert.Equal("quiet", evidence.Fingerprint["condition"]);
        Assert.Equal(evidence.Fingerprint["baselineSha256"], evidence.Fingerprint["candidateSha256"]);
    }

    [Fact]
    public void A_model_that_loads_slowly_shares_a_session_among_blocks_and_still_has_an_interval()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(64, 4));
        BlockRunner blocks = new(new BenchJob { BaselinePath = model, CandidatePath = model, Blocks = 14, BlockMs = 4, WarmUpMs = 1 }, new());

        blocks.Measure(loadTime: TimeSpan.FromMinutes(1), progress: null, CancellationToken.None);

        Assert.Equal((14, 6, 6), (blocks.Kept, blocks.Sessions, blocks.LogRatios.Count));
    }

    [Fact]
    public async Task One_model_alone_is_timed_and_judged_against_nothing()
    {
        BenchEvidence evidence = await RunAsync(new BenchJob { CandidatePath = _folder.Write("a.onnx", TinyModel.Work(32, 4)) });

        Assert.Equal("inconclusive", evidence.Verdict);
        Assert.Null(evidence.LatencyRatio);
        Assert.Null(evidence.Baseline);
        Assert.Equal(ReadingState.Absent, evidence.BaselinePeakMemory.State);
        Assert.True(evidence.Candidate.Inferences >= 4 * 12 * 3);
        Assert.True(evidence.Candidate.P99Micros >= evidence.Candidate.P50Micros);
    }

    [Theory]
    [InlineData("garbage", BenchException.ModelNotLoaded)]
    [InlineData("missing", BenchException.ModelNotLoaded)]
    [InlineData("contract", BenchException.ContractChanged)]
    public async Task A_candidate_that_cannot_be_measured_is_named_with_a_code(string fault, string code)
    {
        string baseline = _folder.Write("baseline.onnx", TinyModel.AddBias([1, 2]));
        string candidate = fault switch
        {
            "garbage" => _folder.Write("candidate.onnx", "not a model"),
            "missing" => _folder["candidate.onnx"],
            _ => _folder.Write("candidate.onnx", TinyModel.AddBias([1, 2, 3])),
        };

        BenchException error = await Assert.ThrowsAsync<BenchException>(() => RunAsync(new BenchJob { BaselinePath = baseline, CandidatePath = candidate }));

        Assert.Equal(code, error.Code);
        Assert.Contains(candidate, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_one_benchmark_runs_on_a_machine_at_a_time()
    {
        string lease = _folder["bench.lease"];
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        TaskCompletionSource waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
        FileLease held = FileLease.TryAcquire(lease)!;

        Task<BenchEvidence> second = PairedBenchmark.RunAsync(
            Short(new BenchJob { CandidatePath = model, LeaseFile = lease }),
            new Reported(progress => { if (progress.Stage == "waiting for lease") { waiting.TrySetResult(); } }),
            CancellationToken.None);
        await waiting.Task;
        Assert.False(second.IsCompleted);
        held.Dispose();

        Assert.Equal(12, (await second).Blocks);
    }

    [Fact]
    public async Task Blocks_that_a_collection_disturbed_are_measured_again_but_not_for_ever()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        using CancellationTokenSource done = new();
        Thread disturber = new(() =>
        {
            // Several times in each block, and yet the block gets on.
            while (!done.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2)))
            {
                GC.Collect(0);
            }
        });
        disturber.Start();

        BenchEvidence evidence = await RunAsync(new BenchJob { BaselinePath = model, CandidatePath = model });
        await done.CancelAsync();
        disturber.Join();

        Assert.Equal((12, 6), (evidence.Blocks, evidence.DiscardedBlocks));
    }

    [Fact]
    public async Task A_benchmark_can_be_cancelled_between_blocks()
    {
        string model = _folder.Write("a.onnx", TinyModel.Work(16, 1));
        using CancellationTokenSource cancel = new();
        await Assert.ThrowsAsync<OperationCanceledException>(() => PairedBenchmark.RunAsync(
            Short(new BenchJob { CandidatePath = model }),
            new Reported(progress => { if (progress.Stage == "measuring") { cancel.Cancel(); } }),
            cancel.Token));
    }

    public void Dispose() => _folder.Dispose();

    private static Task<BenchEvidence> RunAsync(BenchJob job) => PairedBenchmark.RunAsync(Short(job), progress: null, CancellationToken.None);

    private static BenchJob Short(BenchJob job) => job with { Blocks = 12, BlockMs = 12, WarmUpMs = 20, Seed = 3 };

    private sealed class Reported(Action<BenchProgress> report) : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value) => report(value);
    }
}

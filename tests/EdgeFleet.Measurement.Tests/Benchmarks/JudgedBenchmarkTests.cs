using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Tests.Hosts;
using EdgeFleet.Measurement.Verdicts;
using EdgeFleet.Statistics.Estimates;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

/// <summary>What whole benchmarks of real models are judged by.</summary>
public sealed class JudgedBenchmarkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_looks_share_the_level_and_the_first_that_decides_is_the_last()
    {
        // A margin of nothing, that no model meets or misses against itself: it is looked at again and again.
        string model = _folder.Write("a.onnx", TinyModel.Work(32, 4));
        BenchEvidence evidence = await RunAsync(Short(model, model) with { Looks = BenchJob.StandardLooks, LatencyMargin = 0 });

        Assert.Equal(1 - GroupSequential.Standard.Alpha, evidence.Latency.Confidence);
        foreach (int look in BenchJob.StandardLooks.TakeWhile(look => look <= evidence.Blocks))
        {
            BlockVerdict then = BlockVerdict.Of(
                GroupSequential.Standard.At(look),
                [
                    MetricBlocks.Measured("latency", [.. evidence.Latency.BlockLogRatios.Take(look)], margin: 0),
                    MetricBlocks.Once("peak memory", evidence.Memory.Baseline!.Peak.Value!.Value, evidence.Memory.Candidate!.Peak.Value!.Value, evidence.Memory.Margin),
                ],
                Soundness.Sound);
            Assert.Equal(look < evidence.Blocks, then.GoOn);
            if (look == evidence.Blocks)
            {
                Assert.Equal((evidence.Verdict, evidence.Difference, evidence.Reason), (then.Verdict.Word(), then.Difference.Word(), then.Sentence));
                Assert.Equal([then.Primary.Low, then.Primary.High], evidence.Latency.Interval!.Select(end => (double?)end));
            }
        }
        Assert.Equal(BenchJob.StandardLooks.ToList().IndexOf(evidence.Blocks) + 1, evidence.Latency.Looks);
    }

    [Fact]
    public async Task What_is_clear_at_the_first_look_is_not_measured_further()
    {
        BenchEvidence evidence = await RunAsync(Short(Heavy(), Light()) with { Looks = BenchJob.StandardLooks });
        Assert.Equal(("fail", 12, 1), (evidence.Verdict, evidence.Blocks, evidence.Latency.Looks));
    }

    [Fact]
    public async Task The_margin_says_how_much_slower_is_no_failure()
    {
        BenchEvidence evidence = await RunAsync(Short(Heavy(), Light()) with { LatencyMargin = 1e6 });
        Assert.Equal(("pass", "slower"), (evidence.Verdict, evidence.Difference));
    }

    [Fact]
    public async Task A_candidate_that_takes_more_memory_than_its_margin_allows_fails_however_fast_it_is()
    {
        // Eight MiB twice over, beside a runtime of some sixty.
        string hungry = _folder.Write("hungry.onnx", TinyModel.Hungry(2 << 20)), modest = _folder.Write("modest.onnx", TinyModel.AddBias([0]));
        BenchJob job = Short(hungry, modest) with { Looks = [2], LatencyMargin = 1e6 };

        BenchEvidence more = await RunAsync(job);
        Assert.Equal("fail", more.Verdict);
        Assert.True(more.Memory.Ratio > 1.1);
        Assert.Equal(["process", "load", "first inference", "steady"], more.Memory.Candidate!.Phases.Select(phase => phase.Phase));

        Assert.Equal("pass", (await RunAsync(job with { MemoryMargin = 10 })).Verdict);

        BenchEvidence less = await RunAsync(job with { BaselinePath = hungry, CandidatePath = modest });
        Assert.Equal("pass", less.Verdict);
        Assert.True(less.Memory.Ratio < 0.9);
    }

    [Fact]
    public async Task Without_evidence_that_is_asked_for_there_is_no_pass()
    {
        BenchJob faster = Short(Light(), Heavy()) with { SystemRoot = _folder["nothing"] };
        Assert.Equal("pass", (await RunAsync(faster)).Verdict);

        BenchEvidence noMemory = await RunAsync(faster with { ColdStarts = 0 });
        Assert.Equal(("inconclusive", "faster"), (noMemory.Verdict, noMemory.Difference));
        Assert.Contains("no cold start was asked for", noMemory.Reason, StringComparison.Ordinal);

        BenchEvidence noEnergy = await RunAsync(faster with { EnergyMargin = 0.1 });
        Assert.Equal(("inconclusive", "faster"), (noEnergy.Verdict, noEnergy.Difference));
        Assert.Contains("energy", noEnergy.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_models_that_both_answer_with_no_number_are_timed_and_said_to()
    {
        string root = _folder.Write("root.onnx", TinyModel.SquareRoot(2)), inputs = _folder.Write("inputs.bin", new byte[] { 0, 0, 128, 191, 0, 0, 128, 63 }); // -1 and 1
        BenchEvidence evidence = await RunAsync(Short(root, root) with { InputPath = inputs });

        Assert.Equal(6, evidence.Blocks);
        Assert.Contains(evidence.Warnings, warning => warning.StartsWith("the baseline answers with what is no number: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_candidate_s_answers_are_held_against_the_baseline_s()
    {
        string baseline = _folder.Write("baseline.onnx", TinyModel.AddBias([1, 2])), candidate = _folder.Write("candidate.onnx", TinyModel.AddBias([1.5f, -2]));
        BenchEvidence evidence = await RunAsync(Short(candidate, baseline));

        Assert.Equal((16, 0), (evidence.Outputs!.Inputs, evidence.Outputs.SameTop));
        Assert.Equal(4, evidence.Outputs.LargestDifference, 5);
    }

    [Fact]
    public async Task A_model_that_takes_more_memory_than_it_may_ends_the_benchmark_with_its_name()
    {
        string hungry = _folder.Write("hungry.onnx", TinyModel.Hungry(128 << 20));
        BenchException error = await Assert.ThrowsAsync<BenchException>(() => RunAsync(Short(hungry) with { MemoryLimitBytes = 300 << 20 }));
        Assert.Equal((BenchException.OutOfMemory, false), (error.Code, error.OfBaseline));
    }

    private string Light() => _folder.Write("light.onnx", TinyModel.Work(16, 1));

    private string Heavy() => _folder.Write("heavy.onnx", TinyModel.Work(16, 200));

    private static BenchJob Short(string candidate, string? baseline = null) => ShortBench.Of(candidate, baseline);

    private static async Task<BenchEvidence> RunAsync(BenchJob job) => (await PairedBenchmark.RunAsync(job, TestHosts.Program, progress: null, CancellationToken.None)).Evidence;
}

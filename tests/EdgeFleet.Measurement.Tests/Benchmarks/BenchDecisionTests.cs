using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Tests.Conditions;
using EdgeFleet.Measurement.Tests.Hosts;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class BenchDecisionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(BenchCondition.Quiet, "inconclusive"), InlineData(BenchCondition.Live, "pass")]
    public async Task Models_that_were_never_warm_decide_nothing_but_on_a_device_that_serves_and_never_is(BenchCondition condition, string verdict)
    {
        BenchJob job = new()
        {
            BaselinePath = _folder.Write("heavy.onnx", TinyModel.Work(16, 200)),
            CandidatePath = _folder.Write("light.onnx", TinyModel.Work(16, 1)),
            Looks = [4],
            ColdStarts = 1,
            Seed = 3,
            // Of the blocks: what else runs on the machine of the tests is no cause to measure again.
            Condition = BenchCondition.Live,
        };
        KernelFiles files = new(_folder["nothing"]);
        using BenchSetup setup = new(job, TestHosts.Program, progress: null, TimeProvider.System);
        ColdStarts coldStarts = new(setup);
        await coldStarts.RunAsync(CancellationToken.None);
        using EnergyPhase energy = new(setup, files);
        using ProcessorChoice processors = new(job, files);
        using DeviceWatch watch = new(files, job.Session.Provider, new ScriptedFirmware(Errno.Enoent));
        await using HostPair pair = await HostPair.StartAsync(setup, processors, oneAtATime: false, CancellationToken.None);
        BlockPhase blocks = new(setup, pair, processors, watch, energy, new CellPlan(Stopwatch.Frequency / 300, LeadTicks: 0, BaselineBatch: 1, CandidateBatch: 1));

        BenchDecision decision = new(job with { Condition = condition }, coldStarts, new WarmUp(setup, pair), energy);
        await decision.MeasureAsync(blocks, CancellationToken.None);

        Assert.Equal((verdict, "faster"), (decision.Verdict, decision.Difference));
        Assert.Equal(condition == BenchCondition.Quiet, decision.Reason.Contains("the warm-up was not steady (not run)", StringComparison.Ordinal));
    }

    [Fact]
    public void Blocks_may_be_looked_at_once_or_as_the_level_is_shared_and_not_otherwise()
    {
        Assert.Equal(BenchJob.StandardLooks, BenchDecision.PlanOf(BenchJob.StandardLooks).Looks);
        Assert.Equal(0.05, BenchDecision.PlanOf([7]).Alpha);
        ArgumentException error = Assert.Throws<ArgumentException>(() => BenchDecision.PlanOf([5, 10]));
        Assert.Contains("looks [5, 10]: possible are [12, 20, 30] or one number", error.Message, StringComparison.Ordinal);
    }
}

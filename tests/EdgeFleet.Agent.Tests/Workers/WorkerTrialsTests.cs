using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Workers;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Workers;

public sealed class WorkerTrialsTests : IDisposable
{
    private const long Limit = 1L << 30;
    private readonly TemporaryFolder _folder = new();
    private readonly WorkerTrials _trials;

    public WorkerTrialsTests()
    {
        StateFolder state = new(_folder["state"], LinuxFileStore.Instance);
        state.Prepare();
        _trials = new WorkerTrials(state, TimeProvider.System, NullLogger<WorkerTrials>.Instance);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_is_staged_when_a_process_of_its_own_has_loaded_and_run_it()
    {
        Assert.IsType<TrialResult.Passed>(await _trials.LoadAsync(Job(TinyModel.Work(16, 2)), Limit, CancellationToken.None));

        TrialResult.ModelFailed failed = Assert.IsType<TrialResult.ModelFailed>(await _trials.LoadAsync(Job([1, 2, 3]), Limit, CancellationToken.None));
        Assert.Equal(FailureCodes.DoesNotLoad, failed.Code);

        TrialResult.ModelFailed hungry = Assert.IsType<TrialResult.ModelFailed>(await _trials.LoadAsync(Job(TinyModel.Hungry(512L << 20)), 300L << 20, CancellationToken.None));
        Assert.Equal((FailureCodes.OutOfMemory, true), (hungry.Code, hungry.Invariant));
    }

    [Fact]
    public async Task What_was_not_loaded_because_the_device_was_not_fit_has_not_passed()
    {
        foreach ((string name, string text) in new[] { ("type", "Battery"), ("status", "Discharging"), ("capacity", "5"), ("present", "1") })
        {
            _folder.Write($"device/sys/class/power_supply/bat/{name}", $"{text}\n");
        }
        BenchJob job = Job(TinyModel.Work(16, 2)) with { GateWaitSeconds = 0, SystemRoot = _folder["device"], Condition = BenchCondition.Live };

        TrialResult.WorldFailed failed = Assert.IsType<TrialResult.WorldFailed>(await _trials.LoadAsync(job, Limit, CancellationToken.None));

        Assert.Contains("battery-low", failed.Detail, StringComparison.Ordinal);
    }

    private BenchJob Job(byte[] model) => new() { CandidatePath = _folder.Write("model.onnx", model), Looks = [], ColdStarts = 1, GateWaitSeconds = null };
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class GatePhaseTests : IDisposable
{
    private const string Capacity = "/sys/class/power_supply/bat/capacity";
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;
    private readonly List<string> _stages = [];

    public GatePhaseTests()
    {
        foreach ((string name, string text) in new[] { ("type", "Battery"), ("status", "Discharging"), ("capacity", "5"), ("present", "1") })
        {
            _folder.Write($"sys/class/power_supply/bat/{name}", $"{text}\n");
        }
        _folder.Write("proc/meminfo", "MemAvailable: 4000000 kB\n");
        _folder.Write("proc/stat", "cpu 0 0 0 0 0 0 0 0\n");
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_waiting_does_not_mend_is_refused_at_once_with_a_code()
    {
        string? refused = await RunAsync(new BenchJob { CandidatePath = "x", Condition = BenchCondition.Live, GateWaitSeconds = 60 });
        Assert.StartsWith("battery-low: ", refused, StringComparison.Ordinal);
        Assert.DoesNotContain("waiting", _stages);
    }

    [Fact]
    public async Task Nobody_who_measures_anyway_is_asked()
    {
        Assert.Null(await RunAsync(new BenchJob { CandidatePath = "x", Condition = BenchCondition.Live, GateWaitSeconds = null }));
        Assert.Empty(_stages);
    }

    [Fact]
    public async Task Others_that_are_busy_are_waited_for_and_go_away()
    {
        _folder.Write("sys/class/power_supply/bat/status", "Charging\n");
        // Two looks with a busy processor between them, then two with an idle one.
        _files.Answer("/proc/stat", read => read switch
        {
            0 => "cpu 0 0 0 0 0 0 0 0",
            1 => "cpu 100 0 0 100 0 0 0 0",
            2 => "cpu 100 0 0 100 0 0 0 0",
            _ => "cpu 101 0 0 300 0 0 0 0",
        });
        Assert.Null(await RunAsync(new BenchJob { CandidatePath = "x", GateWaitSeconds = 60 }));
        Assert.Equal(["looking", "waiting", "looking"], _stages);
    }

    [Fact]
    public async Task The_load_of_others_is_part_of_a_device_that_serves()
    {
        _folder.Write("sys/class/power_supply/bat/status", "Charging\n");
        _files.Answer("/proc/stat", read => $"cpu {100 * read} 0 0 0 0 0 0 0");
        Assert.Null(await RunAsync(new BenchJob { CandidatePath = "x", Condition = BenchCondition.Live, GateWaitSeconds = 0 }));
        Assert.StartsWith("others-busy: ", await RunAsync(new BenchJob { CandidatePath = "x", GateWaitSeconds = 0 }), StringComparison.Ordinal);
    }

    private async Task<string?> RunAsync(BenchJob job)
    {
        ManualTimeProvider time = new();
        using BenchSetup setup = new(job, new OwnProgram("none", []), new Stages(_stages), time);
        Task<string?> gate = new GatePhase(setup, _files).RunAsync(CancellationToken.None);
        while (!gate.IsCompleted)
        {
            // No further than to what is waited for: time that nobody waited for would count as waited.
            if (time.NextDue is { } due)
            {
                time.Advance(due - time.GetUtcNow());
            }
            await Task.Yield();
        }
        return await gate;
    }

    private sealed class Stages(List<string> stages) : IProgress<BenchProgress>
    {
        public void Report(BenchProgress value) => stages.Add(value.Stage);
    }
}

using System.Threading.Channels;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Tests.Serving;
using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class ShadowWorkerTests : IDisposable
{
    private readonly DeviceState _state = new();
    private readonly Lines _lines = new();
    /// <summary>What the kernel would say of the device: nothing, until a test writes it.</summary>
    private readonly TemporaryFolder _device = new();
    /// <summary>The application posts what was true of each request.</summary>
    private bool _labels;

    [Fact]
    public async Task Live_inputs_are_compared_and_each_tick_tells_what_was_seen()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([15, 0])) with { NoiseShare = 0.5, FirstTick = 40 };

        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Pairs > 0 && tick.NoisePairs > 0);

        Assert.Equal(Enumerable.Range(40, ticks.Count).Select(i => (long)i), ticks.Select(tick => tick.Tick));
        ShadowTick seen = ticks[^1];
        // Inputs are (10, 20) and (20, 10): fifteen more on the left flips the first and leaves the second.
        Assert.InRange(seen.Disagreements, 1, seen.Pairs - 1);
        Assert.Equal((0, 0, 0, 0), (seen.NoiseDisagreements, seen.CandidateNonFinite, seen.CandidateWrongShape, seen.CandidateFailures));
        Assert.NotNull(seen.MeanLogLatencyRatio);
        Assert.True(seen.CandidatePeakBytes > 0);
    }

    [Fact]
    public async Task What_the_rate_does_not_allow_is_counted_as_dropped()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([0, 0])) with { MaxPerSecond = 0.001, TickMs = 200 };

        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Dropped.GetValueOrDefault("rate") > 0);

        Assert.Equal(1, ticks.Sum(tick => tick.Pairs));
    }

    [Fact]
    public async Task A_shadow_that_costs_more_than_its_budget_stops_comparing_and_says_so()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        // A budget that every shadow exceeds: the served model would have to be a hundred times faster with it.
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([0, 0])) with { TaxBudget = -0.99, TickMs = 200 };

        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Taxed && tick.Pairs == 0);

        ShadowTick stopped = ticks.First(tick => tick.Taxed);
        Assert.NotNull(stopped.TaxLogRatio);
        Assert.All(ticks.SkipWhile(tick => !tick.Taxed).Skip(1), tick => Assert.Equal((true, 0), (tick.Taxed, tick.Pairs)));
        Assert.Contains(ticks, tick => !tick.Taxed && tick.Pairs > 0);
    }

    [Fact]
    public async Task A_tick_tells_durations_answers_and_slices_of_what_was_compared()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([15, 0])) with { NoiseShare = 0.5, Slices = SliceList.Of([("camera", ["front", "rear"])]) };

        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Slices is { Count: > 1 } && tick.NoisePairs > 0);

        ShadowTick seen = ticks[^1];
        Assert.Null(seen.FirstProblem());
        Assert.Equal((seen.Pairs, seen.Pairs), (seen.BaselineLatency!.Count.Sum(), seen.CandidateLatency!.Count.Sum()));
        Assert.Equal((seen.Pairs, seen.Pairs), (seen.BaselineScores!.Sum(), seen.CandidateScores!.Sum()));
        Assert.Equal((seen.NoisePairs, seen.NoisePairs), (seen.NoiseScores!.Sum(), seen.NoiseTop1!.Sum()));
        // Fifteen more on the left leave the candidate one answer; the baseline gives both.
        Assert.Equal((2, 0, true), (seen.CandidateTop1!.Count, seen.CandidateTop1[1], seen.BaselineTop1![1] > 0));
        // Even requests say front, odd ones rear, and only the even ones are flipped; every tenth says what no list knows.
        Assert.All(seen.Slices!, slice => Assert.True(slice.Pairs >= SliceCounts.Fewest));
        Assert.All(ticks.SelectMany(tick => tick.Slices ?? []), slice => Assert.Equal(slice.Value switch { "front" => slice.Pairs, "rear" => 0, _ => slice.Disagreements }, slice.Disagreements));
        Assert.DoesNotContain(ticks.SelectMany(tick => tick.Slices ?? []), slice => slice.Value is not ("front" or "rear" or "other"));
    }

    [Fact]
    public async Task Labels_that_are_posted_later_find_the_answers_of_both_models()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([15, 0]));
        _labels = true;

        // The true class is always what the baseline says, so each flip of the candidate is one for the worse.
        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Labels is { Lost: > 0, BothRight: > 0 });

        LabelCounts labels = ticks[^1].Labels!;
        Assert.Equal((0, 0), (labels.BothWrong, labels.Gained));
        Assert.Equal(labels.Lost + labels.BothRight, labels.BrierCount);
        Assert.True(labels.BrierDifferenceSum > 0.9 * labels.Lost); // sure and wrong
        Assert.Equal((labels.BrierCount, labels.BrierCount), (labels.BaselineCalibration!.Right.Sum(), labels.CandidateCalibration!.Count.Sum()));
        Assert.Equal(labels.BothRight, labels.CandidateCalibration.Right.Sum());
    }

    [Fact]
    public async Task Where_memory_does_not_hold_both_models_they_take_turns_and_latency_is_absent()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        _device.Write("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 150000 kB\n"); // just what a shadow may not go below
        ShadowJob job = Job(runner, candidate: TinyModel.AddBias([15, 0])) with { NoiseShare = 0.5 };
        _labels = true;

        List<ShadowTick> ticks = await ShadowAsync(job, runner, until: tick => tick.Labels is { Lost: > 0 } && tick.NoisePairs > 0);

        ShadowTick seen = ticks[^1];
        Assert.Equal("memory", seen.LatencyAbsent);
        Assert.Null(seen.BaselineLatency ?? (object?)seen.MedianLogLatencyRatio ?? seen.NoiseMeanLogLatencyRatio ?? seen.BaselineP50Micros ?? seen.CandidateP95Micros);
        Assert.InRange(seen.Disagreements, 1, seen.Pairs - 1);
        Assert.Equal((0, 0), (seen.NoiseDisagreements, seen.CandidateFailures));
        Assert.Equal(seen.Pairs, seen.CandidateScores!.Sum());
        Assert.All(ticks.Where(tick => tick.Pairs > 0), tick => Assert.Equal("memory", tick.LatencyAbsent));
    }

    [Fact]
    public async Task A_device_that_is_too_warm_compares_nothing_and_says_what_it_missed()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([0, 0])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        _device.Write("sys/class/thermal/thermal_zone0/type", "cpu\n");
        _device.Write("sys/class/thermal/thermal_zone0/temp", "81000\n");
        _device.Write("sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n");
        _device.Write("sys/class/thermal/thermal_zone0/trip_point_0_temp", "85000\n");

        List<ShadowTick> ticks = await ShadowAsync(
            Job(runner, candidate: TinyModel.AddBias([0, 0])), runner, until: tick => tick.Dropped.GetValueOrDefault(DropReasons.Heat) > 0);

        Assert.All(ticks, tick => Assert.Equal((0, false), (tick.Pairs, tick.Taxed)));
        _device.Write("sys/class/thermal/thermal_zone0/temp", "70000\n"); // and the same device, cool again, compares
        await ShadowAsync(Job(runner, candidate: TinyModel.AddBias([0, 0])), runner, until: tick => tick.Pairs > 0);
    }

    [Fact]
    public async Task A_runner_that_is_away_leaves_ticks_without_pairs_not_an_end()
    {
        ShadowJob job = Job(null, candidate: TinyModel.AddBias([0, 0])) with { TickMs = 20 };
        List<ShadowTick> ticks = await ShadowAsync(job, null, until: tick => tick.Tick == 1);
        Assert.All(ticks, tick => Assert.Equal((0, true), (tick.Pairs, tick.Dropped.ContainsKey("runnerAway"))));
    }

    [Fact]
    public async Task More_memory_than_the_budget_ends_the_shadow_with_a_last_tick()
    {
        ShadowJob job = Job(null, candidate: TinyModel.AddBias([0, 0])) with { MemoryBudgetBytes = 1, TickMs = 20 };
        WorkerException error = await Assert.ThrowsAsync<WorkerException>(() => ShadowAsync(job, null, until: _ => false));

        Assert.Equal(WorkerErrors.BudgetExceeded, error.Code);
        Assert.True(_lines.Ticks.Single().OutOfMemory);
    }

    [Theory]
    [InlineData("garbage", WorkerErrors.ModelNotLoaded)]
    [InlineData("contract", WorkerErrors.ContractChanged)]
    public async Task A_candidate_that_cannot_be_compared_is_named_with_a_code(string fault, string code)
    {
        ShadowJob job = Job(null, candidate: fault == "garbage" ? [1, 2, 3] : TinyModel.AddBias([0, 0, 0]));
        WorkerException error = await Assert.ThrowsAsync<WorkerException>(() => ShadowAsync(job, null, until: _ => true));
        Assert.Equal(code, error.Code);
        Assert.Contains(job.CandidatePath, error.Message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _state.Dispose();
        _device.Dispose();
    }

    private ShadowJob Job(RunnerFixture? runner, byte[] candidate)
    {
        File.WriteAllBytes(_state["baseline.onnx"], TinyModel.AddBias([0, 0]));
        File.WriteAllBytes(_state["candidate.onnx"], candidate);
        return new ShadowJob
        {
            Model = "add",
            BaselinePath = _state["baseline.onnx"],
            CandidatePath = _state["candidate.onnx"],
            ControlSocket = runner?.Runner.ControlSocket ?? _state["nobody.sock"],
            TickMs = 100,
            SamplingShare = 1,
            MaxPerSecond = 1e6,
            MemoryBudgetBytes = 1L << 40,
        };
    }

    /// <summary>Shadows while an application asks, until a tick is as wanted.</summary>
    private async Task<List<ShadowTick>> ShadowAsync(ShadowJob job, RunnerFixture? runner, Func<ShadowTick, bool> until)
    {
        using CancellationTokenSource done = new();
        using RunnerClient client = new(job.ControlSocket);
        Task asking = runner is null ? Task.CompletedTask : AskAsync(runner, done.Token);
        Task shadowing = new ShadowWorker(job, client, new KernelFiles(_device.Path), new WorkerOutput(_lines), TimeProvider.System).RunAsync(done.Token);
        Task<List<ShadowTick>> waiting = _lines.TicksUntilAsync(until, done.Token);
        Task first = await Task.WhenAny(waiting, shadowing);
        await done.CancelAsync();
        await asking;
        if (first == shadowing)
        {
            await shadowing;
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => shadowing);
        return await waiting;
    }

    private async Task AskAsync(RunnerFixture runner, CancellationToken stop)
    {
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            (int status, string json) = await runner.PostAsync("add", $$"""
                {"id":"r{{i}}","parameters":{"weather":{"rain":[1]},"camera":"{{(i % 10 == 9 ? "B-XY 123" : i % 2 == 0 ? "front" : "rear")}}"},
                 "inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[{{(i % 2 == 0 ? "10,20" : "20,10")}}]}]}
                """);
            Assert.True(status == 200, json);
            if (_labels)
            {
                (status, json) = await runner.PostLabelsAsync("add", $$"""{"labels":[{"id":"r{{i}}","label":{{(i % 2 == 0 ? 1 : 0)}}}]}""");
                Assert.True(status == 200, json);
            }
        }
    }

    /// <summary>The worker's output as the supervisor reads it.</summary>
    private sealed class Lines : StringWriter
    {
        private readonly Channel<ShadowTick> _ticks = Channel.CreateUnbounded<ShadowTick>();

        public List<ShadowTick> Ticks { get; } = [];

        public override void WriteLine(string? value)
        {
            if (WorkerLine.Parse(value!).Tick is { } tick)
            {
                Ticks.Add(tick);
                _ticks.Writer.TryWrite(tick);
            }
        }

        public async Task<List<ShadowTick>> TicksUntilAsync(Func<ShadowTick, bool> until, CancellationToken cancellationToken)
        {
            List<ShadowTick> ticks = [];
            do
            {
                ticks.Add(await _ticks.Reader.ReadAsync(cancellationToken));
            }
            while (!until(ticks[^1]));
            return ticks;
        }
    }
}

using System.Diagnostics;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Tests.Conditions;
using EdgeFleet.Measurement.Tests.Hosts;
using EdgeFleet.Measurement.Tests.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

/// <summary>Whole benchmarks, and what their hosts were asked. Alone in the process: some of them move it to other processors.</summary>
[Collection(WholeProcess.Name)]
public sealed class ProtocolTests : IDisposable
{
    private const string Oc3 = "sys/class/hwmon/hwmon3/oc3_event_cnt";
    private readonly TemporaryFolder _folder = new();
    private readonly TemporaryFolder _device = new();
    private readonly HeardRequests _heard;
    private readonly string _light;
    private readonly string _heavy;

    public ProtocolTests()
    {
        _heard = new HeardRequests(_folder["heard"]);
        _light = _folder.Write("light.onnx", TinyModel.Work(16, 1));
        _heavy = _folder.Write("heavy.onnx", TinyModel.Work(16, 200));
    }

    public void Dispose()
    {
        _folder.Dispose();
        _device.Dispose();
    }

    [Fact]
    public async Task A_block_is_four_cells_in_mirrored_order_on_the_same_inputs_and_chance_says_who_begins_and_with_which()
    {
        string inputs = _folder.Write("inputs.bin", new byte[64 * 16 * sizeof(float)]);
        BenchEvidence evidence = await RunAsync(Short() with { Looks = [12], InputPath = inputs });

        Heard[][] blocks = [.. _heard.All().Where(heard => heard.IsOfBlock).Chunk(4)];
        Assert.Equal(evidence.BlockRecords.Count, blocks.Length);
        Assert.Equal(evidence.BlockRecords.Select(block => block.Order), blocks.Select(cells => string.Concat(cells.Select(cell => cell.Model == _heavy ? 'A' : 'B'))));
        Assert.Equal(["ABBA", "BAAB"], evidence.BlockRecords.Select(block => block.Order).Distinct().Order(StringComparer.Ordinal));
        Assert.All(blocks, cells => Assert.Single(cells.Select(cell => cell.Cell!.FirstInput).Distinct()));
        Assert.True(blocks.Select(cells => cells[0].Cell!.FirstInput).Distinct().Count() > 4);
        // The other model's weights are in the caches at first; a block's median needs samples; without a tail each is one inference.
        Assert.All(blocks.SelectMany(cells => cells), cell => Assert.Equal((3, 25, 1), (cell.Cell!.Discard, cell.Cell.MinimumSamples, cell.Cell.Batch)));
    }

    [Fact]
    public async Task The_clock_of_the_processor_that_ran_each_cell_is_held_against_the_others_of_its_block()
    {
        _device.Write("clock", "1\n");
        for (int cpu = 0; cpu < Environment.ProcessorCount; cpu++)
        {
            Directory.CreateDirectory(_device[$"sys/devices/system/cpu/cpu{cpu}/cpufreq"]);
            File.CreateSymbolicLink(_device[$"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"], _device["clock"]);
        }
        BenchJob job = Short() with { Looks = [2], Condition = BenchCondition.Quiet, SystemRoot = _device.Path };
        BenchEvidence steady = await RunAsync(job);
        Assert.All(steady.BlockRecords, block => Assert.DoesNotContain("the clock changed", block.Causes));

        _heard.CountingInCells = _device["clock"];
        BenchEvidence jumping = await RunAsync(job);
        Assert.All(jumping.BlockRecords, block => Assert.Contains("the clock changed", block.Causes));
        Assert.NotEmpty(jumping.BlockRecords);
    }

    [Fact]
    public async Task Each_block_has_sessions_of_its_own_behind_paddings_of_many_sizes()
    {
        BenchEvidence evidence = await RunAsync(Short());

        IReadOnlyList<Heard> all = _heard.All();
        int before = 0;
        foreach (Heard[] cells in all.Where(heard => heard.IsOfBlock).Chunk(4))
        {
            Assert.Equal([_heavy, _light], all.Where(heard => heard.Load is not null && heard.Number > before && heard.Number < cells[0].Number && heard.Load is { Phases: false })
                .Select(heard => heard.Model).Distinct().Order(StringComparer.Ordinal));
            before = cells[3].Number;
        }
        Assert.Equal([_heavy, _light], all.Where(heard => heard.Load is { Phases: false }).Chunk(2).Select(pair => pair[0].Model).Distinct().Order(StringComparer.Ordinal));
        LoadRequest[] loads = [.. all.Select(heard => heard.Load).OfType<LoadRequest>().Where(load => !load.Phases)];
        Assert.True(loads.Select(load => load.PaddingBytes).Distinct().Count() > loads.Length / 2);
        Assert.Equal($"{loads.Length / 2}", evidence.Fingerprint["sessions"]);
    }

    [Fact]
    public async Task The_tail_is_single_inferences_of_each_model_in_several_sessions_that_go_on_through_the_inputs()
    {
        BenchOutcome outcome = await OutcomeAsync(Short() with { TailInferences = 100 });
        BenchEvidence evidence = outcome.Evidence;

        IReadOnlyList<Heard> all = _heard.All();
        foreach (string model in new[] { _heavy, _light })
        {
            Heard[] cells = [.. all.Where(heard => heard.Model == model && heard.Cell is { MaximumSamples: < CellLoop.Capacity })];
            Assert.Equal([0, 20, 40, 60, 80], cells.Select(cell => cell.Cell!.FirstInput));
            Assert.All(cells, cell => Assert.Equal((10, 1, 20), (cell.Cell!.Discard, cell.Cell.Batch, cell.Cell.MaximumSamples)));
            Assert.Equal(5, cells.Select(cell => all.Last(heard => heard.Load is not null && heard.Host == cell.Host && heard.Number < cell.Number).Number).Distinct().Count());
        }
        Assert.Equal((100, 100), (evidence.Latency.Baseline!.Inferences, evidence.Latency.Candidate.Inferences));
        Assert.True(evidence.Latency.Baseline.P50.Micros > 2 * evidence.Latency.Candidate.P50.Micros);

        // With a tail for the percentiles, a sample of a block holds so many inferences that timing it costs nothing.
        Assert.True(evidence.Environment.CandidateBatch > 1);
        Assert.True(evidence.Environment.BaselineBatch < evidence.Environment.CandidateBatch);
        Assert.All(all.Where(heard => heard.IsOfBlock), cell => Assert.Equal(cell.Model == _heavy ? evidence.Environment.BaselineBatch : evidence.Environment.CandidateBatch, cell.Cell!.Batch));
        Assert.All(outcome.Raw.Cells, cell => Assert.Equal(cell.Model == "baseline" ? evidence.Environment.BaselineBatch : evidence.Environment.CandidateBatch, cell.Batch));
    }

    [Fact]
    public async Task On_a_quiet_device_both_models_of_a_block_use_what_was_drawn_and_nobody_else_is_held_to_it()
    {
        string all = ProcessorSet.Allowed().ToString();
        SweepPoint[] impossible = [.. new[] { "NopeExecutionProvider", "AlsoNopeExecutionProvider" }.Select(provider => new SweepPoint { Session = new SessionChoice { Provider = provider } })];
        BenchEvidence evidence = await RunAsync(Short() with { Condition = BenchCondition.Quiet, Sweep = impossible });

        IReadOnlyList<Heard> heard = _heard.All();
        string?[][] pairs = [.. heard.Where(request => request.Load is { Phases: false, Session.Provider: "CPUExecutionProvider" }).Select(request => request.Load!.Cpus).Chunk(2)];
        Assert.NotEmpty(pairs);
        Assert.All(pairs, pair => Assert.True(pair[0] is not null && pair[0] == pair[1]));
        Assert.All(heard.Where(request => request.Load is { Phases: true }), load => Assert.Null(load.Load!.Cpus));
        Assert.All(heard.Where(request => request.Load is { Session.Provider: not "CPUExecutionProvider" }), load => Assert.Equal(all, load.Allowed));
        Assert.Equal(all, ProcessorSet.Allowed().ToString());

        // A point that this machine cannot do is a result of the sweep, for each model.
        Assert.Equal(impossible.SelectMany(point => new[] { (point, "baseline"), (point, "candidate") }), evidence.Sweep.Select(result => (result.Point, result.Model)));
        Assert.Equal([_heavy, _light], heard.Where(request => request.Load?.Session == impossible[0].Session).Select(request => request.Model).Order(StringComparer.Ordinal));
        Assert.All(evidence.Sweep, result => Assert.Contains(result.Point.Session.Provider, result.Reason, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_measured_while_the_device_was_slowed_is_in_the_record_and_in_no_figure()
    {
        ModelledDevices.OrinNx(_device);
        BenchOutcome outcome = await OutcomeAsync(Short() with { SystemRoot = _device.Path }, slowed: block => block is 1 or 2);
        BenchEvidence evidence = outcome.Evidence;

        Assert.Equal((6, 2), (evidence.Blocks, evidence.DiscardedBlocks));
        Assert.Equal([1, 2], evidence.BlockRecords.Where(block => block.Causes.Count > 0).Select(block => block.Index));
        Assert.Contains("throttled: ", Assert.Single(evidence.BlockRecords[1].Causes), StringComparison.Ordinal);
        Assert.Equal(6, evidence.Latency.BlockLogRatios.Count);
        Assert.Equal([1, 2], outcome.Raw.Cells.Where(cell => !cell.Counts).Select(cell => cell.Block).Distinct());
        Assert.Equal(outcome.Raw.Cells.Where(cell => cell.Counts && cell.Model == "baseline").Sum(cell => cell.Nanos.Count), evidence.Latency.Baseline!.Inferences);
        Assert.Equal("yes", evidence.Environment.Throttled);
    }

    [Theory]
    [InlineData(6, 2, 6, "4 of 6 blocks were disturbed: throttled: ")] // more than half as many again as were asked for
    [InlineData(30, 6, 10, "4 of 10 blocks were disturbed: throttled: ")] // more than a third of those measured
    public async Task Surroundings_that_disturb_too_many_blocks_end_the_measurement_without_a_verdict(int look, int undisturbed, int measured, string reason)
    {
        ModelledDevices.OrinNx(_device);
        BenchEvidence evidence = (await OutcomeAsync(Short() with { SystemRoot = _device.Path, Looks = [look] }, slowed: block => block >= undisturbed)).Evidence;

        Assert.Equal(("inconclusive", measured, undisturbed), (evidence.Verdict, evidence.BlockRecords.Count, evidence.Blocks));
        Assert.Contains($"the environment is unstable ({reason}", evidence.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_that_do_not_fit_into_memory_together_are_never_loaded_together()
    {
        _device.Write("proc/meminfo", "MemAvailable: 1000 kB\n");
        BenchEvidence evidence = await RunAsync(Short() with { SystemRoot = _device.Path, TailInferences = 10 });

        Assert.Contains(evidence.Warnings, warning => warning.StartsWith("unpaired: ", StringComparison.Ordinal));
        HashSet<int> loaded = [];
        foreach (Heard heard in _heard.All().SkipWhile(heard => heard.Load is not { Phases: false }))
        {
            if (heard.Request.Unload)
            {
                loaded.Remove(heard.Host);
            }
            else if (heard.Load is not null)
            {
                loaded.Add(heard.Host);
            }
            Assert.True(loaded.Count <= 1, $"request {heard.Number}");
            Assert.True(heard.Cell is null || loaded.Contains(heard.Host));
        }
        Assert.Equal(6, evidence.Blocks);
    }

    [Fact]
    public async Task A_device_that_is_not_fit_starts_no_model_and_says_why_with_the_code()
    {
        foreach ((string name, string text) in new[] { ("type", "Battery"), ("status", "Discharging"), ("capacity", "5"), ("present", "1") })
        {
            _device.Write($"sys/class/power_supply/bat/{name}", $"{text}\n");
        }
        BenchEvidence evidence = await RunAsync(Short() with { SystemRoot = _device.Path, GateWaitSeconds = 0 });

        Assert.Equal(("inconclusive", 0), (evidence.Verdict, evidence.Blocks));
        Assert.StartsWith("inconclusive: not measured: battery-low: ", evidence.Reason, StringComparison.Ordinal);
        Assert.Empty(_heard.All());
    }

    [Fact]
    public async Task A_meter_sees_long_cells_between_leads_and_rest_without_a_model()
    {
        _device.RaplModelled("intel-rapl:0", "package-0", 12_345);
        List<bool> atRest = [];
        await OutcomeAsync(
            Short() with { SystemRoot = _device.Path, BaselinePath = null, Looks = [2], Condition = BenchCondition.Quiet },
            report: progress =>
            {
                if (progress.Stage == "at rest")
                {
                    // Cold starts have processes of their own, which are gone by now.
                    atRest.Add(_heard.All().Where(heard => heard.Load is not { Phases: true }).LastOrDefault(heard => heard.Load is not null || heard.Request.Unload) is not { } last || last.Request.Unload);
                }
            });

        Assert.Equal([true, true], atRest);
        Assert.All(_heard.All().Where(heard => heard.IsOfBlock), cell =>
        {
            Assert.True(cell.Cell!.DurationTicks >= 0.75 * Stopwatch.Frequency);
            Assert.True(cell.Cell.LeadTicks > 0);
        });
    }

    [Fact]
    public async Task A_cold_start_loads_runs_and_then_tells_its_memory_in_a_process_of_its_own()
    {
        string inputs = _folder.Write("inputs.bin", new byte[16 * sizeof(float)]);
        BenchEvidence evidence = await RunAsync(Short() with { ColdStarts = 2, Looks = [], InputPath = inputs });

        IGrouping<int, Heard>[] starts = [.. _heard.All().GroupBy(heard => heard.Host)];
        Assert.Equal([_heavy, _heavy, _light, _light], starts.Select(start => start.First().Model).Order(StringComparer.Ordinal));
        Assert.All(starts, start =>
        {
            Assert.Equal(["load", "cell", "steady"], start.Select(heard => heard.Load is not null ? "load" : heard.Cell is not null ? "cell" : heard.Request.Phase!.Ended));
            Assert.Equal((inputs, true, 0), (start.First().Load!.InputPath, start.First().Load!.Phases, start.First().Load!.PaddingBytes));
        });
        // Only the first of a model finds its pages gone.
        Assert.Equal((false, false), (evidence.ColdStart.Baseline[1].ColdPageCache, evidence.ColdStart.Candidate[1].ColdPageCache));
    }

    [Fact]
    public async Task Processor_counters_count_in_cells_of_their_own_behind_all_others()
    {
        BenchEvidence evidence = await RunAsync(Short() with { Counters = true });

        Heard[] counted = [.. _heard.All().Where(heard => heard.Cell is { CounterGroup: not null })];
        Assert.NotEmpty(counted);
        Assert.True(_heard.All().Last(heard => heard.IsOfBlock).Number < counted[0].Number);
        Assert.All(_heard.All().Where(heard => heard.Load is not null), load => Assert.Equal(load.Number > _heard.All().Last(heard => heard.IsOfBlock).Number, load.Load!.Counters));
        if (evidence.Counters.State == ReadingState.Absent)
        {
            Assert.Single(counted); // what the first events are refused for, all are
            Assert.NotEmpty(evidence.Counters.Reason!);
            return;
        }
        Assert.All(counted.Chunk(4), cells =>
        {
            Assert.Single(cells.Select(cell => cell.Cell!.CounterGroup).Distinct());
            Assert.Equal((cells[0].Model, cells[1].Model), (cells[3].Model, cells[2].Model));
            Assert.NotEqual(cells[0].Model, cells[1].Model);
        });
        Assert.Equal(Enumerable.Range(0, counted.Length / 4), counted.Chunk(4).Select(cells => cells[0].Cell!.CounterGroup!.Value));
    }

    [Fact]
    public async Task A_sweep_measures_each_point_with_its_own_settings_and_rate()
    {
        string free = _folder.Write("free.onnx", TinyModel.AddBias([1, 2], rows: -1));
        SweepPoint single = new() { Session = new SessionChoice(), RequestsPerSecond = 50 };
        SweepPoint batch = new() { Session = new SessionChoice { FreeDimension = 4, Arena = false }, RequestsPerSecond = 50 };
        BenchEvidence evidence = await RunAsync(Short() with { BaselinePath = null, CandidatePath = free, Looks = [2], Sweep = [single, batch] });

        Assert.Equal([single, batch], evidence.Sweep.Select(result => result.Point));
        Heard[] heard = [.. _heard.All().TakeLast(8)];
        Assert.Equal([single.Session, batch.Session], heard.Select(request => request.Load?.Session).OfType<SessionChoice>());
        Assert.Equal([null, Stopwatch.Frequency / 50, null, Stopwatch.Frequency / 50], heard.Where(request => request.Cell is not null).Select(request => request.Cell!.MeanGapTicks));
        // 150 arrivals in three seconds, give or take six standard deviations; four rows go through in each call of the other.
        Assert.InRange(evidence.Sweep[0].InferencesPerSecond!.Value, 25, 75);
        Assert.InRange(evidence.Sweep[1].InferencesPerSecond!.Value, 100, 300);
        Assert.All(evidence.Sweep, result => Assert.True(result.PeakMemory!.Value > 10e6));
    }

    private BenchJob Short() => ShortBench.Of(_light, _heavy);

    private async Task<BenchEvidence> RunAsync(BenchJob job) => (await OutcomeAsync(job)).Evidence;

    /// <param name="slowed">Blocks, in the order measured, in which the device counts an event of throttling.</param>
    private Task<BenchOutcome> OutcomeAsync(BenchJob job, Func<int, bool>? slowed = null, Action<BenchProgress>? report = null)
    {
        int block = 0;
        return PairedBenchmark.RunAsync(job, _heard.Program, new Reported(progress =>
        {
            if (progress.Stage == "measuring" && slowed is not null)
            {
                _heard.CountingInCells = slowed(block++) ? _device[Oc3] : null;
            }
            report?.Invoke(progress);
        }), CancellationToken.None);
    }
}

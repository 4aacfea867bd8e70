using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Hosts;
using EdgeFleet.Measurement.Meters.Recording;
using EdgeFleet.Measurement.Tests.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

/// <summary>The energy of blocks by a counter that a supply of known power moves.</summary>
public sealed class EnergyPhaseTests : IDisposable
{
    private const string Counter = "/sys/class/powercap/intel-rapl:0/energy_uj";
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;
    private readonly ManualTimeProvider _time = new();
    private readonly ManualTimeProvider _waits = new();
    private readonly Supply _supply;
    private readonly List<string> _warnings = [];
    private EnergyRecorder? _recorder;

    public EnergyPhaseTests()
    {
        _supply = new Supply(_time) { Watts = 10 };
        _folder.RaplModelled("intel-rapl:0", "package-0", 0);
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
        _files.Answer(Counter, _ => _supply.MicroJoules());
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Energy_is_that_of_a_model_s_windows_over_the_inferences_in_them()
    {
        using EnergyPhase energy = Phase(BenchCondition.Live);
        await energy.MeasureRestBeforeAsync(CancellationToken.None);
        // Samples hold several inferences, and not as many for both: it is inferences that count.
        Block block = Block.Of(0, [Cell(MeasuredModel.Baseline, 100), Cell(MeasuredModel.Candidate, 50), Cell(MeasuredModel.Candidate, 150), Cell(MeasuredModel.Baseline, 300)], BenchCondition.Live);
        energy.Take(block);

        EnergyEvidence evidence = energy.Evidence([block], alpha: 0.05, _warnings);

        double baseline = 10 * Seconds(block, MeasuredModel.Baseline) / 400, candidate = 10 * Seconds(block, MeasuredModel.Candidate) / 200;
        Assert.Equal((ReadingState.Measured, null), (evidence.State, evidence.Reason));
        Near(baseline, evidence.Baseline!.Total.Value);
        Near(candidate, evidence.Candidate!.Total.Value);
        Near(10, evidence.Candidate.MeanWatts);
        Assert.Equal(Math.Log(evidence.Candidate.Total.Value!.Value / evidence.Baseline.Total.Value!.Value), energy.LogRatioOf(block)!.Value, 9);
        // A device that serves is never at rest.
        Assert.Equal("no idle power: the device goes on serving and is never at rest", evidence.Candidate.Dynamic.Reason);
        Assert.Equal("the device goes on serving and is never at rest", evidence.IdlePower!.Reason);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task Energy_above_idle_is_what_the_same_meter_reads_more_than_at_rest()
    {
        using EnergyPhase energy = Phase(BenchCondition.Quiet);
        _supply.Watts = 4;
        await RestAsync(energy.MeasureRestBeforeAsync);
        _supply.Watts = 10;
        Pass(3);
        Block block = Block.Of(0, [Cell(MeasuredModel.Candidate, 100), Cell(MeasuredModel.Baseline, 100), Cell(MeasuredModel.Baseline, 100), Cell(MeasuredModel.Candidate, 100)], BenchCondition.Live);
        energy.Take(block);
        _supply.Watts = 6;
        Pass(3);
        await RestAsync(energy.MeasureRestAfterAsync);

        EnergyEvidence evidence = energy.Evidence([block], alpha: 0.05, _warnings);

        Near(4, evidence.IdlePower!.Value);
        double above = evidence.Candidate!.Total.Value!.Value - evidence.Candidate.Dynamic.Value!.Value;
        double idle = above * 200 / Seconds(block, MeasuredModel.Candidate);
        Assert.InRange(idle, 4.1, 5.9); // between the two rests, by how long each was
        Assert.Contains(_warnings, warning => warning.StartsWith("the power at rest after the measurement differs", StringComparison.Ordinal));
    }

    [Fact]
    public void A_cell_that_the_meter_missed_is_left_out_with_its_inferences_and_said()
    {
        using EnergyPhase energy = Phase(BenchCondition.Live);
        Cell baseline = Cell(MeasuredModel.Baseline, 100), metered = Cell(MeasuredModel.Candidate, 100);
        Pass(2);
        _files.Fail(Counter, Errno.Eio);
        Pass(3);
        Cell missed = Cell(MeasuredModel.Candidate, 1000);
        Block block = Block.Of(0, [baseline, metered, missed], BenchCondition.Live);
        energy.Take(block);

        EnergyEvidence evidence = energy.Evidence([block], alpha: 0.05, _warnings);
        Near(10 * Seconds(metered) / 100, evidence.Candidate!.Total.Value);
        Assert.StartsWith("energy of the candidate: 1 of 2 cells were not metered: ", Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.Null(energy.LogRatioOf(block));

        EnergyEvidence none = energy.Evidence([Block.Of(1, [baseline, missed], BenchCondition.Live)], alpha: 0.05, _warnings);
        Assert.Equal((ReadingState.Absent, ReadingState.Absent), (none.State, none.Candidate!.Total.State));
        Assert.Contains("EIO", none.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Energy_of_fewer_than_half_of_the_cells_is_absent()
    {
        using EnergyPhase energy = Phase(BenchCondition.Live);
        Block seen = Block.Of(0, [Cell(MeasuredModel.Baseline, 100), Cell(MeasuredModel.Candidate, 100)], BenchCondition.Live);
        energy.Take(seen);
        Pass(2);
        _files.Fail(Counter, Errno.Eio);
        Pass(3);
        Block[] blocks = [seen, .. Enumerable.Range(1, 2).Select(index => Block.Of(index, [Cell(MeasuredModel.Baseline, 100), Cell(MeasuredModel.Candidate, 100)], BenchCondition.Live))];
        foreach (Block block in blocks)
        {
            energy.Take(block);
        }

        EnergyEvidence evidence = energy.Evidence(blocks, alpha: 0.05, _warnings);
        Assert.Equal((ReadingState.Absent, null, null), (evidence.State, evidence.Ratio, evidence.Candidate!.Total.Value));
        Assert.StartsWith("only 1 of 3 cells were metered: ", evidence.Reason, StringComparison.Ordinal);
        Assert.Empty(energy.LogRatiosOf(blocks));
    }

    [Fact]
    public void A_meter_that_was_named_and_is_not_there_is_absent_and_not_replaced_by_another()
    {
        BenchJob job = new() { CandidatePath = "x", Meter = new MeterChoice { External = "ina226@1:0x40", ShuntOhms = 0.01, MaximumAmperes = 8 } };
        using EnergyPhase energy = new(new BenchSetup(job, new OwnProgram("none", []), progress: null, _waits), _files, _time);
        EnergyEvidence evidence = energy.Evidence([], alpha: 0.05, _warnings);
        Assert.Equal(ReadingState.Absent, evidence.State);
        Assert.Contains("ina226", evidence.Reason, StringComparison.Ordinal);
        Assert.Null(energy.Recorder);
    }

    [Fact]
    public void A_rail_that_dies_meanwhile_is_said_beside_the_total_that_lacks_it()
    {
        using TemporaryFolder board = new();
        board.AgxOrinModelled();
        BenchJob job = new() { CandidatePath = "x" };
        using EnergyPhase energy = new(new BenchSetup(job, new OwnProgram("none", []), progress: null, _waits), new KernelFiles(board.Path), _time);
        _recorder = energy.Recorder!;
        board.Write("sys/bus/i2c/devices/1-0040/hwmon/hwmon3/curr1_input", "0\n");
        Pass(25);
        energy.Evidence([], alpha: 0.05, _warnings);
        Assert.Contains(_warnings, warning => warning.Contains("'VDD_GPU_SOC' reads 0 W all the time", StringComparison.Ordinal));
    }

    [Fact]
    public void Blocks_that_do_not_count_leave_no_energy()
    {
        using EnergyPhase energy = Phase(BenchCondition.Live);
        EnergyEvidence evidence = energy.Evidence([], alpha: 0.05, _warnings);
        Assert.Equal((ReadingState.Absent, "no block counts"), (evidence.State, evidence.Reason));
    }

    private EnergyPhase Phase(BenchCondition condition)
    {
        BenchJob job = new() { CandidatePath = "x", BaselinePath = "y", Condition = condition, IdleSeconds = 8 };
        EnergyPhase energy = new(new BenchSetup(job, new OwnProgram("none", []), progress: null, _waits), _files, _time);
        _recorder = energy.Recorder!;
        Pass(2);
        return energy;
    }

    private async Task RestAsync(Func<CancellationToken, Task> measure)
    {
        Task rest = measure(CancellationToken.None);
        while (!rest.IsCompleted)
        {
            Pass(40);
            if (_waits.NextDue is { } due)
            {
                _waits.Advance(due - _waits.GetUtcNow());
            }
            await Task.Yield();
        }
        await rest;
    }

    /// <summary>A cell whose window opens now and closes a few readings later.</summary>
    private Cell Cell(MeasuredModel model, long inferences)
    {
        long begin = _time.GetTimestamp();
        Pass(model == MeasuredModel.Baseline ? 4 : 3);
        int batch = model == MeasuredModel.Baseline ? 4 : 2;
        return new Cell(model, new CellReply { BeginTicks = begin, EndTicks = _time.GetTimestamp(), Inferences = inferences, Nanos = [] }, new double[inferences / batch], batch, Hertz: null);
    }

    /// <summary>Lets so many readings be made.</summary>
    private void Pass(int readings)
    {
        for (int i = 0; i < readings; i++)
        {
            _time.Advance(_recorder!.Meter.Period);
            _recorder.Sample(missed: 0);
        }
    }

    private double Seconds(Block block, MeasuredModel model) => block.Cells.Where(cell => cell.Model == model).Sum(Seconds);

    private double Seconds(Cell cell) => (double)(cell.Reply.EndTicks - cell.Reply.BeginTicks) / _time.TimestampFrequency;

    private static void Near(double expected, double? actual) => Assert.InRange(actual!.Value, 0.9999 * expected, 1.0001 * expected);

    /// <summary>Counts the energy of a power that a test sets.</summary>
    private sealed class Supply(TimeProvider time)
    {
        private double _joules = 1;
        private double _watts;
        private long _at = time.GetTimestamp();

        public double Watts
        {
            set
            {
                Count();
                _watts = value;
            }
        }

        public string MicroJoules()
        {
            Count();
            return ((long)Math.Round(_joules * 1e6)).ToString(CultureInfo.InvariantCulture);
        }

        private void Count()
        {
            long now = time.GetTimestamp();
            _joules += _watts * (now - _at) / time.TimestampFrequency;
            _at = now;
        }
    }
}

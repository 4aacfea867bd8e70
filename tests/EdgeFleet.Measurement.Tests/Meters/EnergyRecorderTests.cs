using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class EnergyRecorderTests : IDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(100);
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_window_over_a_modelled_board_has_its_energy()
    {
        _folder.OrinNxModelled();
        using MeterSearch search = EnergyMeters.Find(new KernelFiles(_folder.Path), time: _time);
        using EnergyRecorder recorder = new(search.Best!, _time);
        long start = _time.GetTimestamp();
        Record(recorder, 51);
        WindowEnergy window = recorder.Between(start + Ticks(0.25), start + Ticks(4.75));
        Assert.Equal(9.250304 * 4.5, window.Joules!.Value, 9);
        Assert.Equal((45, 0, 0), (window.Samples, window.Dropped, window.Gaps));
        Assert.Equal("ina3221 hwmon VDD_IN", window.Source);
    }

    [Fact]
    public void A_sensor_that_vanishes_for_a_while_takes_the_windows_over_it_and_no_others()
    {
        _folder.OrinNxModelled();
        FaultySystemFiles files = new(new KernelFiles(_folder.Path));
        using MeterSearch search = EnergyMeters.Find(files, time: _time);
        using EnergyRecorder recorder = new(search.Best!, _time);
        long start = _time.GetTimestamp();
        Record(recorder, 30);
        files.Fail($"{ModelledTrees.OrinNxChip}/in1_input", Errno.Enodev);
        Record(recorder, 10);
        files.Fail($"{ModelledTrees.OrinNxChip}/in1_input", Errno.None);
        Record(recorder, 30);

        Assert.Equal(9.250304 * 2.4, recorder.Between(start + Ticks(0.3), start + Ticks(2.7)).Joules!.Value, 9);
        Assert.Equal(9.250304 * 2.4, recorder.Between(start + Ticks(4.2), start + Ticks(6.6)).Joules!.Value, 9);
        WindowEnergy over = recorder.Between(start + Ticks(2), start + Ticks(5));
        Assert.Equal((ReadingState.Absent, null, 1, 10), (over.State, over.Joules, over.Gaps, over.Dropped));
        Assert.Contains("ENODEV", over.Reason, StringComparison.Ordinal);
        Assert.Equal((10L, 1L, 70L), (recorder.Dropped, recorder.Gaps, recorder.Samples));
    }

    [Fact]
    public void A_current_that_flows_backwards_for_a_while_takes_the_windows_over_it_and_lowers_none()
    {
        int reading = 0;
        using EnergyRecorder recorder = new(new FakeMeter(_time, _ => reading++ is >= 30 and < 36 ? -5 : 5), _time);
        long start = _time.GetTimestamp();
        Record(recorder, 70);

        Assert.Equal(5 * 2.4, recorder.Between(start + Ticks(0.3), start + Ticks(2.7)).Joules!.Value, 9);
        WindowEnergy over = recorder.Between(start + Ticks(2), start + Ticks(5));
        Assert.Equal((ReadingState.Absent, null, 6), (over.State, over.Joules, over.Dropped));
        Assert.Contains("from the load to the supply", over.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_counter_that_wraps_between_two_readings_goes_on_in_the_window()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 262_140_000_000);
        using MeterSearch search = EnergyMeters.Find(new KernelFiles(_folder.Path), time: _time);
        using EnergyRecorder recorder = new(search.Best!, _time);
        long start = _time.GetTimestamp();
        for (long i = 0; i < 30; i++)
        {
            _folder.Write("sys/class/powercap/intel-rapl:0/energy_uj", $"{(262_140_000_000 + (i * 500_000)) % 262_143_328_850}\n");
            Record(recorder, 1);
        }
        Assert.Equal(5 * 2.0, recorder.Between(start + Ticks(0.45), start + Ticks(2.45)).Joules!.Value, 6);
    }

    [Fact]
    public void What_the_ring_no_longer_holds_is_absent_and_not_a_smaller_figure()
    {
        using EnergyRecorder recorder = new(new FakeMeter(_time, _ => 5), _time, TimeSpan.FromSeconds(10));
        long start = _time.GetTimestamp();
        Record(recorder, 250);
        WindowEnergy early = recorder.Between(start + Ticks(1), start + Ticks(20));
        Assert.Equal(ReadingState.Absent, early.State);
        Assert.Contains("does not reach back", early.Reason, StringComparison.Ordinal);
        Assert.Equal(5 * 5, recorder.Between(start + Ticks(18), start + Ticks(23)).Joules!.Value, 9);
    }

    [Fact]
    public void A_window_that_has_not_ended_yet_is_absent()
    {
        using EnergyRecorder recorder = new(new FakeMeter(_time, _ => 5), _time);
        Record(recorder, 40);
        Assert.Contains("after the end", recorder.Between(_time.GetTimestamp() - Ticks(3), _time.GetTimestamp()).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_trace_of_a_counter_is_power()
    {
        using EnergyRecorder recorder = new(new FakeMeter(_time, i => i * 0.5, MeterKind.Accumulating), _time);
        long start = _time.GetTimestamp();
        Record(recorder, 20);
        IReadOnlyList<PowerPoint> trace = recorder.Trace(start, start + Ticks(1.5));
        Assert.Equal(15, trace.Count);
        Assert.All(trace, point => Assert.Equal(5, point.Watts, 9));
    }

    [Fact]
    public void The_thread_reads_until_it_is_stopped_allocates_nothing_and_is_not_of_the_pool()
    {
        FakeMeter meter = new(TimeProvider.System, _ => 5, period: TimeSpan.FromMilliseconds(1));
        using EnergyRecorder recorder = new(meter, TimeProvider.System);
        recorder.Start();
        Assert.Throws<InvalidOperationException>(recorder.Start);
        Assert.True(meter.Reached(200));
        recorder.Stop();

        Assert.Equal(0, meter.AllocatedSinceTenth);
        Assert.False(meter.OnPool);
        Assert.True(meter.OnOtherThread);
        long samples = recorder.Samples;
        Assert.True(samples >= 200);
        Assert.False(recorder.WaitPast(long.MaxValue, TimeSpan.FromSeconds(10))); // it no longer runs: nobody waits for it
        recorder.Start();
        Assert.True(meter.Reached(300));
        recorder.Stop();
        Assert.True(recorder.Samples > samples);
    }

    [Fact]
    public void Readings_that_a_slow_sensor_kept_from_being_made_are_counted()
    {
        FakeMeter meter = new(TimeProvider.System, _ => 5, period: TimeSpan.FromMilliseconds(1)) { SlowEach = TimeSpan.FromMilliseconds(20) };
        using EnergyRecorder recorder = new(meter, TimeProvider.System);
        recorder.Start();
        Assert.True(meter.Reached(5));
        recorder.Stop();
        Assert.True(recorder.Dropped >= 4 * 18, $"{recorder.Dropped} dropped");
    }

    private static long Ticks(double seconds) => (long)(seconds * TimeSpan.TicksPerSecond);

    private void Record(EnergyRecorder recorder, int samples)
    {
        for (int i = 0; i < samples; i++)
        {
            recorder.Sample(0);
            _time.Advance(s_period);
        }
    }

    private sealed class FakeMeter(TimeProvider time, Func<int, double> value, MeterKind kind = MeterKind.Sampled, TimeSpan? period = null) : IEnergyMeter
    {
        private readonly SemaphoreSlim _reads = new(0);
        private readonly int _owner = Environment.CurrentManagedThreadId;
        private int _count;
        private long _allocated;

        public TimeSpan SlowEach { get; init; }

        public long AllocatedSinceTenth { get; private set; }

        public bool OnPool { get; private set; }

        public bool OnOtherThread { get; private set; }

        public MeterIdentity Identity { get; } = new()
        {
            Source = "fake", Chip = "fake", Rails = ["fake"], Kind = kind, Scope = MeterScope.Board, Period = period ?? s_period, QuantumWatts = 0.01,
        };

        public bool Reached(int reads)
        {
            while (Volatile.Read(ref _count) < reads)
            {
                if (!_reads.Wait(TimeSpan.FromSeconds(30)))
                {
                    return false;
                }
            }
            return true;
        }

        public MeterReading Read(bool parts = true)
        {
            int number = _count;
            long allocated = GC.GetAllocatedBytesForCurrentThread();
            // Between the tenth and the hundredth reading of the first thread: everything is jitted, and it is still the same one.
            (_allocated, AllocatedSinceTenth) = number == 10 ? (allocated, 0) : (_allocated, number is > 10 and <= 100 ? allocated - _allocated : AllocatedSinceTenth);
            OnPool |= Thread.CurrentThread.IsThreadPoolThread;
            OnOtherThread = Environment.CurrentManagedThreadId != _owner;
            long before = time.GetTimestamp();
            if (SlowEach > TimeSpan.Zero)
            {
                Thread.Sleep(SlowEach); // the sensor, not a test that waits
            }
            Volatile.Write(ref _count, number + 1);
            if (number > 100 || SlowEach > TimeSpan.Zero)
            {
                _reads.Release();
            }
            return Identity.Kind == MeterKind.Sampled
                ? MeterReading.OfPower(value(number), before, time.GetTimestamp())
                : MeterReading.OfEnergy(value(number), before, time.GetTimestamp(), false);
        }

        public void Dispose() => _reads.Dispose();
    }
}

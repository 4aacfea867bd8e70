using System.Runtime.InteropServices;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;
using EdgeFleet.Testing;

namespace EdgeFleet.Benchmarks.Measuring;

/// <summary>
/// What metering costs the device that is metered: the recorder's own processor time at 10 Hz, on plain files in place of a
/// chip's. A real chip's conversions are waited for, not computed.
/// </summary>
internal static partial class MeterBenchmark
{
    private const double MostPercent = 1;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(20);

    public static async Task<IReadOnlyList<BenchFigure>> RunAsync(CancellationToken cancellationToken)
    {
        using TemporaryFolder folder = new();
        WriteOrinNx(folder);
        using MeterSearch search = EnergyMeters.Find(new KernelFiles(folder.Path));
        IEnergyMeter meter = search.Best ?? throw new InvalidOperationException($"the tree has no meter: {search.AbsentReason}");
        Cost total = await RecordAsync(meter, parts: false, cancellationToken);
        Cost parts = await RecordAsync(meter, parts: true, cancellationToken);
        string source = $"thread CPU time over {s_duration.TotalSeconds} s of wall time, INA3221 with 3 rails (modelled files)";
        return
        [
            new("recorder at 10 Hz", total.Percent, "% of core", $"<= {MostPercent}", total.Percent <= MostPercent, source),
            new("recorder at 10 Hz that reads all three rails", parts.Percent, "% of core", $"<= {MostPercent}", parts.Percent <= MostPercent, source),
            new("processor time of one reading, all rails", parts.MicrosPerReading, "us", null, true, source),
            new("readings that were due and not made", total.Dropped + parts.Dropped, "", null, true, source),
            new("bytes allocated by the recorder's thread", total.Bytes + parts.Bytes, "B", "0", total.Bytes + parts.Bytes == 0, source),
        ];
    }

    private static async Task<Cost> RecordAsync(IEnergyMeter meter, bool parts, CancellationToken cancellationToken)
    {
        TimedMeter timed = new(meter, parts);
        using EnergyRecorder recorder = new(timed, TimeProvider.System);
        recorder.Start();
        await Task.Delay(s_duration, cancellationToken);
        recorder.Stop();
        return new Cost(100 * timed.ThreadSeconds / timed.WallSeconds, timed.ThreadSeconds * 1e6 / timed.Readings, recorder.Dropped, timed.Bytes);
    }

    private static void WriteOrinNx(TemporaryFolder folder)
    {
        const string Chip = "sys/bus/i2c/devices/1-0040/hwmon/hwmon1";
        folder.Write("sys/bus/i2c/devices/1-0040/name", "ina3221\n");
        folder.Write($"{Chip}/name", "ina3221\n");
        (string Label, int MilliVolts, int MilliAmps)[] rails = [("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320)];
        for (int i = 0; i < rails.Length; i++)
        {
            folder.Write($"{Chip}/in{i + 1}_label", $"{rails[i].Label}\n");
            folder.Write($"{Chip}/in{i + 1}_input", $"{rails[i].MilliVolts}\n");
            folder.Write($"{Chip}/curr{i + 1}_input", $"{rails[i].MilliAmps}\n");
            folder.Write($"{Chip}/shunt{i + 1}_resistor", "5000\n");
        }
    }

    private static unsafe double ThreadSeconds()
    {
        const int CLOCK_THREAD_CPUTIME_ID = 3;
        TimeSpec time;
        return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0
            ? time.Seconds + (time.Nanoseconds * 1e-9)
            : throw new InvalidOperationException($"clock_gettime: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
    }

    private sealed record Cost(double Percent, double MicrosPerReading, long Dropped, long Bytes);

    /// <summary>Looks at the thread's clock from inside it, from its first reading to its last; jitting is before the first.</summary>
    private sealed class TimedMeter(IEnergyMeter meter, bool parts) : IEnergyMeter
    {
        private const int WarmUp = 5;
        private double _threadStart;
        private long _wallStart;
        private long _bytesStart;
        private int _count;

        public MeterIdentity Identity => meter.Identity;

        public double ThreadSeconds { get; private set; }

        public double WallSeconds { get; private set; }

        public long Bytes { get; private set; }

        public int Readings => _count - WarmUp - 1;

        public MeterReading Read(bool ignored)
        {
            if (_count++ == WarmUp)
            {
                (_threadStart, _wallStart, _bytesStart) = (MeterBenchmark.ThreadSeconds(), TimeProvider.System.GetTimestamp(), GC.GetAllocatedBytesForCurrentThread());
            }
            else if (_count > WarmUp)
            {
                ThreadSeconds = MeterBenchmark.ThreadSeconds() - _threadStart;
                WallSeconds = TimeProvider.System.GetElapsedTime(_wallStart).TotalSeconds;
                Bytes = GC.GetAllocatedBytesForCurrentThread() - _bytesStart;
            }
            return meter.Read(parts);
        }

        public void Dispose() => GC.SuppressFinalize(this);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int clock_gettime(int clock, TimeSpec* time);
}

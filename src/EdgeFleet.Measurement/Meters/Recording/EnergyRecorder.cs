namespace EdgeFleet.Measurement.Meters.Recording;

/// <summary>
/// Reads a meter at its period on a thread of its own (the pool's may be busy with what is measured) into a ring that is
/// allocated beforehand, and answers for the energy between any two moments in it.
/// </summary>
public sealed class EnergyRecorder : IDisposable
{
    /// <summary>Nothing that computes gives energy back; what a supply or a battery takes in is not the load's.</summary>
    private const string Backwards = "the power was negative: the current flowed from the load to the supply";

    private readonly IEnergyMeter _meter;
    private readonly TimeProvider _time;
    private readonly SampleRing _ring;
    private readonly ManualResetEvent _stop = new(false);
    private readonly long _periodTicks;
    private Thread? _thread;
    private long _dropped;
    private long _gaps;
    private long? _lastGood;
    private bool _unknown;

    /// <param name="meter">Read by the recorder's thread alone from <see cref="Start"/> to <see cref="Stop"/>; stays its owner's.</param>
    /// <param name="history">How far back can be asked; null for half an hour.</param>
    public EnergyRecorder(IEnergyMeter meter, TimeProvider time, TimeSpan? history = null)
    {
        (_meter, _time) = (meter, time);
        _periodTicks = Math.Max(1, (long)(meter.Identity.Period.TotalSeconds * time.TimestampFrequency));
        _ring = new SampleRing((int)Math.Clamp((history ?? TimeSpan.FromMinutes(30)) / meter.Identity.Period, 64, 1 << 20));
    }

    public MeterIdentity Meter => _meter.Identity;

    /// <summary>Readings made so far, good or absent.</summary>
    public long Samples => _ring.Added;

    /// <summary>Readings that were due and not made, or absent.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Stretches of more than three periods without a good reading, and those whose energy the meter does not know.</summary>
    public long Gaps => Interlocked.Read(ref _gaps);

    public void Start()
    {
        if (_thread is not null)
        {
            throw new InvalidOperationException("the recorder runs already");
        }
        _stop.Reset();
        _thread = new Thread(Run, maxStackSize: 256 << 10) { IsBackground = true, Name = "energy recorder" };
        _thread.Start();
    }

    /// <summary>Waits for the reading under way. What was recorded stays.</summary>
    public void Stop()
    {
        _stop.Set();
        _thread?.Join();
        _thread = null;
    }

    /// <summary>
    /// Energy between two moments. A window can be asked for one reading after its end; before that it is absent.
    /// </summary>
    /// <param name="fromTicks">Of the recorder's clock.</param>
    /// <param name="toTicks">After <paramref name="fromTicks"/>.</param>
    public WindowEnergy Between(long fromTicks, long toTicks)
    {
        EnergySample[] samples = _ring.Copy(fromTicks, toTicks, margin: 1, out string? reason, out bool forgotten);
        return EnergyIntegrator.Integrate(samples, _meter.Identity, fromTicks, toTicks, _time.TimestampFrequency,
            forgotten ? "the recorder's history does not reach back so far" : reason);
    }

    /// <summary>The power between two moments, for a picture.</summary>
    public IReadOnlyList<PowerPoint> Trace(long fromTicks, long toTicks)
    {
        EnergySample[] samples = _ring.Copy(fromTicks, toTicks, margin: 1, out _, out _);
        List<PowerPoint> points = [];
        EnergySample? last = null;
        foreach (EnergySample sample in samples)
        {
            bool unknown = sample.Gap;
            if (!sample.IsAbsent && _meter.Identity.Kind == MeterKind.Sampled)
            {
                points.Add(new PowerPoint(sample.Ticks, sample.Value));
            }
            else if (!sample.IsAbsent && last is { } before && !unknown && sample.Ticks > before.Ticks)
            {
                points.Add(new PowerPoint(sample.Ticks, (sample.Value - before.Value) * _time.TimestampFrequency / (sample.Ticks - before.Ticks)));
            }
            last = sample.IsAbsent ? sample.Gap ? null : last : sample;
        }
        return points;
    }

    /// <summary>Whether a reading behind that moment has been made, waiting for it at most so long.</summary>
    public bool WaitPast(long ticks, TimeSpan longest)
    {
        long end = _time.GetTimestamp() + (long)(longest.TotalSeconds * _time.TimestampFrequency);
        while (!(_ring.LastTicks >= ticks))
        {
            if (_time.GetTimestamp() >= end || _stop.WaitOne(Math.Max(1, (int)_meter.Identity.Period.TotalMilliseconds / 4)))
            {
                return _ring.LastTicks >= ticks;
            }
        }
        return true;
    }

    public void Dispose()
    {
        Stop();
        _stop.Dispose();
    }

    /// <summary>One reading into the ring.</summary>
    /// <param name="missed">Readings that were due before it and were not made.</param>
    internal void Sample(int missed)
    {
        MeterReading reading = _meter.Read(parts: false);
        string? problem = reading.AbsentReason ?? (reading.Watts < 0 ? Backwards : null);
        bool absent = problem is not null;
        _ring.Add(new EnergySample(reading.Ticks, reading.HalfTicks, absent ? double.NaN : (reading.Watts ?? reading.Joules)!.Value, reading.Gap, missed), problem);
        Interlocked.Add(ref _dropped, missed + (absent ? 1 : 0));
        _unknown |= reading.Gap;
        if (!absent)
        {
            if (_unknown || reading.Ticks - _lastGood > 3 * _periodTicks)
            {
                Interlocked.Increment(ref _gaps);
            }
            (_lastGood, _unknown) = (reading.Ticks, false);
        }
    }

    /// <summary>
    /// Readings are due at fixed moments, not so long after the one before: delays do not add up, and what was missed is
    /// known.
    /// </summary>
    private void Run()
    {
        long start = _time.GetTimestamp(), slot = 0;
        int missed = 0;
        while (true)
        {
            Sample(missed);
            long now = _time.GetTimestamp();
            long next = Math.Max(slot, (now - start) / _periodTicks) + 1;
            missed = (int)(next - slot - 1);
            slot = next;
            double wait = ((slot * _periodTicks) + start - now) * 1000.0 / _time.TimestampFrequency;
            if (_stop.WaitOne(Math.Max(0, (int)Math.Ceiling(wait))))
            {
                return;
            }
        }
    }
}

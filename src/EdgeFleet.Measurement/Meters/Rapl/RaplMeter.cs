using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Rapl;

/// <summary>Energy of the zones that are added, each unwrapped by its own range; others are only shown.</summary>
internal sealed class RaplMeter : IEnergyMeter
{
    private const double JoulesPerCount = 1e-6;
    /// <summary>No package of today draws more; with it 65.5 kJ wrap after 131 s and 262 kJ after 524 s at the soonest.</summary>
    private const double MostWatts = 500;
    /// <summary>Counters are updated about every millisecond, in step with nothing.</summary>
    private const double UpdateSeconds = 1e-3;
    private const double StuckSeconds = 2;
    private readonly TimeProvider _time;
    private readonly Zone[] _total;
    private readonly Zone[] _others;
    private readonly RailReading[] _parts;
    private readonly long _lateTicks;

    public RaplMeter(ISystemFiles files, TimeProvider time, IReadOnlyList<RaplZone> total, IReadOnlyList<RaplZone> others, MeterIdentity identity)
    {
        (_time, Identity) = (time, identity);
        _total = [.. total.Select(zone => new Zone(files, zone, true, time.TimestampFrequency))];
        _others = [.. others.Select(zone => new Zone(files, zone, false, time.TimestampFrequency))];
        _parts = new RailReading[_total.Length + _others.Length];
        _lateTicks = (long)(UpdateSeconds / 2 * time.TimestampFrequency);
    }

    public MeterIdentity Identity { get; }

    /// <summary>Of the last failed read of a zone that is added.</summary>
    public Errno Error { get; private set; }

    public MeterReading Read(bool parts = true)
    {
        long before = _time.GetTimestamp();
        double joules = 0;
        bool gap = false;
        string? problem = null;
        for (int i = 0; i < _total.Length; i++)
        {
            Zone zone = _total[i];
            string? reason = zone.Read(_time.GetTimestamp(), out CounterStep step);
            joules += zone.Counter.Joules;
            gap |= step != CounterStep.Added;
            if (reason is not null)
            {
                problem ??= reason;
                Error = zone.File.Error;
            }
            _parts[i] = new RailReading(zone.Name, zone.Watts, reason, true, false);
        }
        long after = _time.GetTimestamp();
        for (int i = 0; parts && i < _others.Length; i++)
        {
            string? reason = _others[i].Read(_time.GetTimestamp(), out _);
            _parts[_total.Length + i] = new RailReading(_others[i].Name, _others[i].Watts, reason, false, false);
        }
        ReadOnlyMemory<RailReading> shown = parts ? _parts : default;
        return problem is not null
            ? MeterReading.Absent(problem, before, after, gap, shown)
            : MeterReading.OfEnergy(joules, before - _lateTicks, after + _lateTicks, gap, shown);
    }

    public void Dispose()
    {
        foreach (Zone zone in _total)
        {
            zone.File.Dispose();
        }
        foreach (Zone zone in _others)
        {
            zone.File.Dispose();
        }
    }

    private sealed class Zone(ISystemFiles files, RaplZone zone, bool added, long frequency)
    {
        private readonly string _backwards = $"{zone.EnergyFile}: went back, and max_energy_range_uj does not say where it wraps";
        private readonly string _negative = $"{zone.EnergyFile}: negative";
        private readonly string _stuck = $"{zone.EnergyFile}: has not moved for {StuckSeconds} s: a virtual machine or firmware that keeps no count";
        private double _joulesBefore;
        private long _ticksBefore;

        public string Name => zone.Name;

        public bool Added => added;

        public SensorFile File { get; } = new(files, zone.EnergyFile);

        public EnergyCounter Counter { get; } = new(JoulesPerCount, zone.RangeMicroJoules, MostWatts, frequency);

        /// <summary>Mean since the reading before; null for the first.</summary>
        public double? Watts { get; private set; }

        /// <returns>Why there is no figure; null where there is one.</returns>
        public string? Read(long ticks, out CounterStep step)
        {
            step = CounterStep.Added;
            Watts = null;
            if (!File.TryRead(out long count))
            {
                return File.Problem;
            }
            if (count < 0)
            {
                return _negative;
            }
            step = Counter.Next((ulong)count, ticks);
            if (_ticksBefore != 0 && ticks > _ticksBefore && step == CounterStep.Added)
            {
                Watts = (Counter.Joules - _joulesBefore) * frequency / (ticks - _ticksBefore);
            }
            (_joulesBefore, _ticksBefore) = (Counter.Joules, ticks);
            return step == CounterStep.Backwards ? _backwards
                : added && ticks - Counter.MovedTicks > StuckSeconds * frequency ? _stuck
                : null;
        }
    }
}

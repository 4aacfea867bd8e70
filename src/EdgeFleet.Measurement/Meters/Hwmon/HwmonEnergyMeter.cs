using System.Text;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>
/// Energy of a chip whose driver shows its accumulator (INA228: <c>energy1_input</c>, uJ). The driver does not say where it
/// wraps, so a step back is a gap. The accumulator only grows: its sign is the current's.
/// </summary>
internal sealed class HwmonEnergyMeter : IEnergyMeter
{
    private const double JoulesPerCount = 1e-6, MostWatts = 10_000, StuckSeconds = 2;
    private readonly ISystemFiles _files;
    private readonly TimeProvider _time;
    private readonly Func<SensorChip?> _find;
    private readonly Retry _retry;
    private readonly EnergyCounter _counter;
    private readonly string _backwards;
    private readonly string _stuck;
    private readonly string _gone;
    private SensorFile? _energy;
    private SensorFile? _amps;
    private SensorFile? _name;
    private byte[] _expected = [];
    private bool _negative;
    private bool _begun;

    public HwmonEnergyMeter(ISystemFiles files, TimeProvider time, Func<SensorChip?> find, MeterIdentity identity)
    {
        (_files, _time, _find, Identity) = (files, time, find, identity);
        _retry = new Retry(time);
        _counter = new EnergyCounter(JoulesPerCount, null, MostWatts, time.TimestampFrequency);
        _backwards = $"{identity.Source}: its energy went back: the chip was reset or wrapped";
        _stuck = $"{identity.Source}: its energy has not moved for {StuckSeconds} s: the shunt is not wired, or nothing is on";
        _gone = $"{identity.Chip}: gone";
        Open();
    }

    public MeterIdentity Identity { get; }

    /// <summary>Of the last failed read.</summary>
    public Errno Error { get; private set; }

    public MeterReading Read(bool parts = true)
    {
        MeterReading reading = ReadOnce(out bool lost);
        if (!lost || !_retry.IsDue())
        {
            return reading;
        }
        Dispose();
        Open();
        return ReadOnce(out _);
    }

    public void Dispose()
    {
        _energy?.Dispose();
        _amps?.Dispose();
        _name?.Dispose();
    }

    private MeterReading ReadOnce(out bool lost)
    {
        long before = _time.GetTimestamp();
        if (_energy is null || _name is null)
        {
            lost = true;
            return MeterReading.Absent(_gone, before, before);
        }
        long milliAmps = 0;
        SensorFile failed = _energy;
        bool read = _energy.TryRead(out long count) && count >= 0;
        if (read && _amps is not null)
        {
            failed = _amps;
            read = _amps.TryRead(out milliAmps);
        }
        long after = _time.GetTimestamp();
        if (!read)
        {
            (Error, lost) = (failed.Error, failed.Lost);
            return MeterReading.Absent(failed.Problem, before, after);
        }
        if (!_name.Says(_expected))
        {
            (Error, lost) = (_name.Error, true);
            return MeterReading.Absent(_gone, before, after);
        }
        lost = false;
        bool negative = milliAmps == 0 ? _negative : milliAmps < 0;
        bool turned = _begun && negative != _negative;
        if (turned)
        {
            _counter.Restart();
        }
        (_negative, _begun) = (negative, true);
        CounterStep step = _counter.Next((ulong)count, after, negative);
        bool gap = step != CounterStep.Added || turned;
        return step == CounterStep.Backwards ? MeterReading.Absent(_backwards, before, after, gap)
            : after - _counter.MovedTicks > StuckSeconds * _time.TimestampFrequency ? MeterReading.Absent(_stuck, before, after, gap)
            : MeterReading.OfEnergy(_counter.Joules, before, after, gap);
    }

    private void Open()
    {
        SensorChip? chip = _find();
        _energy = chip is null ? null : new SensorFile(_files, $"{chip.Folder}/energy1_input");
        _amps = chip is not null && _files.Exists($"{chip.Folder}/curr1_input") ? new SensorFile(_files, $"{chip.Folder}/curr1_input") : null;
        _name = chip is null ? null : new SensorFile(_files, $"{chip.Folder}/name");
        _expected = chip is null ? [] : Encoding.UTF8.GetBytes(_files.Read($"{chip.Folder}/name").Text ?? chip.Name);
    }
}

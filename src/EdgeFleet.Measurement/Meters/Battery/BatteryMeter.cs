using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Battery;

/// <summary>
/// What a battery gives, while it discharges. Drivers disagree about the sign of its current, so its size and the status
/// decide; a gauge is too coarse for windows under a minute.
/// </summary>
internal sealed class BatteryMeter : IEnergyMeter
{
    private const double JoulesPerMicroWattHour = 3.6e-3, CoulombsPerMicroAmpHour = 3.6e-3;
    /// <summary>A gauge that falls by more between two readings has been set anew: half a kilowatt-hour.</summary>
    private const double MostJoulesAtOnce = 1.8e6;
    private readonly TimeProvider _time;
    private readonly SensorFile _status;
    private readonly SensorFile? _power;
    private readonly SensorFile? _current;
    private readonly SensorFile? _energy;
    private readonly SensorFile? _charge;
    private readonly SensorFile? _volts;
    private readonly string _notDischarging;
    private readonly string _zero;
    private readonly string _implausible;
    private long? _last;
    private double _joules;

    public BatteryMeter(ISystemFiles files, TimeProvider time, string folder)
    {
        _time = time;
        SensorFile? IfThere(string name) => files.Exists($"{folder}/{name}") ? new SensorFile(files, $"{folder}/{name}") : null;
        _status = new SensorFile(files, $"{folder}/status");
        _volts = IfThere("voltage_now");
        _power = IfThere("power_now");
        _current = _power is null && _volts is not null ? IfThere("current_now") : null;
        _energy = _power is null && _current is null ? IfThere("energy_now") : null;
        _charge = _power is null && _current is null && _energy is null && _volts is not null ? IfThere("charge_now") : null;
        _notDischarging = $"{folder}/status: not 'Discharging': what the battery gives is not what the device draws";
        _zero = $"{folder}: 0 W while it discharges: the gauge does not measure it";
        _implausible = $"{folder}: more than 10 kW: no power of a battery";
        string name = Path.GetFileName(folder);
        Identity = new MeterIdentity
        {
            Source = $"battery {name} {(_power is not null ? "power" : _current is not null ? "current" : _energy is not null ? "energy" : "charge")}",
            Chip = files.Read($"{folder}/model_name").Text is { Length: > 0 } model ? model : name,
            Rails = [name],
            Kind = _energy is not null || _charge is not null ? MeterKind.Accumulating : MeterKind.Sampled,
            Scope = MeterScope.Battery,
            // Charge times a voltage that falls meanwhile is a model of the energy.
            State = _charge is not null ? ReadingState.Modelled : ReadingState.Measured,
            Period = TimeSpan.FromSeconds(1),
            ShortestWindow = TimeSpan.FromSeconds(60),
            Note = "gauges are read about once a second in steps of about 10 mA",
        };
    }

    public MeterIdentity Identity { get; }

    public bool HasGauge => (_power ?? _current ?? _energy ?? _charge) is not null;

    public MeterReading Read(bool parts = true)
    {
        long before = _time.GetTimestamp();
        if (!_status.Says("Discharging"u8))
        {
            bool known = _last is not null;
            _last = null;
            return MeterReading.Absent(_notDischarging, before, _time.GetTimestamp(), gap: known);
        }
        return Identity.Kind == MeterKind.Sampled ? ReadPower(before) : ReadEnergy(before);
    }

    public void Dispose()
    {
        foreach (SensorFile? file in (SensorFile?[])[_status, _power, _current, _energy, _charge, _volts])
        {
            file?.Dispose();
        }
    }

    private MeterReading ReadPower(long before)
    {
        long microVolts = 0;
        SensorFile gauge = _power ?? _current!;
        if (!gauge.TryRead(out long value))
        {
            return MeterReading.Absent(gauge.Problem, before, _time.GetTimestamp());
        }
        if (_power is null && !_volts!.TryRead(out microVolts))
        {
            return MeterReading.Absent(_volts.Problem, before, _time.GetTimestamp());
        }
        long after = _time.GetTimestamp();
        double watts = Math.Abs((double)value) * 1e-6 * (_power is null ? microVolts * 1e-6 : 1);
        return watts == 0 ? MeterReading.Absent(_zero, before, after)
            : Plausible.Watts(watts) ? MeterReading.OfPower(watts, before, after) : MeterReading.Absent(_implausible, before, after);
    }

    private MeterReading ReadEnergy(long before)
    {
        SensorFile gauge = _energy ?? _charge!;
        long microVolts = 0;
        if (!gauge.TryRead(out long value))
        {
            return MeterReading.Absent(gauge.Problem, before, _time.GetTimestamp());
        }
        if (_charge is not null && !_volts!.TryRead(out microVolts))
        {
            return MeterReading.Absent(_volts.Problem, before, _time.GetTimestamp());
        }
        long after = _time.GetTimestamp();
        // A gauge that rises while it discharges has been set anew.
        double step = _last is { } last ? ((double)last - value) * (_charge is not null ? CoulombsPerMicroAmpHour * microVolts * 1e-6 : JoulesPerMicroWattHour) : 0;
        bool gap = step < 0 || step > MostJoulesAtOnce;
        _joules += gap ? 0 : step;
        _last = value;
        return MeterReading.OfEnergy(_joules, before, after, gap);
    }
}

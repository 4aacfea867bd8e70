using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>Power of an INA226 without a kernel driver. Negative while current flows the other way (a battery charges).</summary>
internal sealed class Ina226Meter : IEnergyMeter
{
    private readonly ChipRegisters _registers;
    private readonly TimeProvider _time;
    private readonly Ina226 _chip;
    private readonly string _lostCalibration;
    private readonly string _noVolts;
    private readonly string _noCurrent;

    private Ina226Meter(ChipRegisters registers, TimeProvider time, Ina226 chip, MeterIdentity identity)
    {
        (_registers, _time, _chip, Identity) = (registers, time, chip, identity);
        _lostCalibration = $"{registers.Place}: had lost its calibration (a brown-out); set again";
        _noVolts = $"{registers.Place}: 0 V at the bus input: not wired, or off";
        _noCurrent = $"{registers.Place}: 0 A: nothing that runs draws nothing, so the shunt is not wired";
    }

    public MeterIdentity Identity { get; }

    /// <returns>Null with the reason.</returns>
    public static Ina226Meter? Open(ChipRegisters registers, I2cMeterOptions options, TimeProvider time, out string? problem)
    {
        if (options.MaxAmps * options.ShuntOhms > Ina226.MostShuntVolts)
        {
            problem = $"{options.MaxAmps} A through {options.ShuntOhms} ohm is more than the 81.92 mV that an INA226 measures";
            return null;
        }
        if (!registers.TryReadWord(Ina226.Manufacturer, out ushort maker) || !registers.TryReadWord(Ina226.Die, out ushort die))
        {
            problem = registers.Problem;
            return null;
        }
        if (maker != Ina226.TexasInstruments || die != Ina226.DieId)
        {
            problem = $"{registers.Place}: no INA226: it says 0x{maker:x4} 0x{die:x4}, expected 0x5449 0x2260";
            return null;
        }
        Ina226 chip = new(options.ShuntOhms, options.MaxAmps, TimeSpan.FromMilliseconds(100));
        if (!SetUp(registers, chip) || !registers.TryReadWord(Ina226.BusVoltage, out ushort bus))
        {
            problem = registers.Problem;
            return null;
        }
        double volts = bus * Ina226.VoltsPerStep;
        problem = null;
        return new Ina226Meter(registers, time, chip, new MeterIdentity
        {
            Source = $"ina226 i2c {options.Name}",
            Chip = $"ina226 at {registers.Place}",
            Rails = [options.Name],
            Kind = MeterKind.Sampled,
            Scope = options.Scope,
            Period = TimeSpan.FromMilliseconds(Math.Max(100, Math.Ceiling(chip.ConversionTime.TotalMilliseconds))),
            QuantumWatts = Math.Max(chip.AmpsPerStep, Ina226.ShuntVoltsPerStep / options.ShuntOhms) * volts,
            Accuracy = new MeterAccuracy(0.001, 10e-6 / options.ShuntOhms * volts, "SBOS547: gain 0.1 %, offset 10 uV; the shunt's own tolerance is not in it"),
            Note = $"shunt {options.ShuntOhms} ohm as configured",
        });
    }

    public MeterReading Read(bool parts = true)
    {
        long before = _time.GetTimestamp();
        if (!_registers.TryReadWord(Ina226.Calibration, out ushort calibration)
            || !_registers.TryReadWord(Ina226.BusVoltage, out ushort bus)
            || !_registers.TryReadWord(Ina226.Current, out ushort current))
        {
            return MeterReading.Absent(_registers.Problem, before, _time.GetTimestamp());
        }
        long after = _time.GetTimestamp();
        if (calibration != _chip.CalibrationWord)
        {
            // Without it current and power read 0 for ever. What is in the registers now is not yet calibrated.
            return MeterReading.Absent(SetUp(_registers, _chip) ? _lostCalibration : _registers.Problem, before, after);
        }
        return bus == 0 ? MeterReading.Absent(_noVolts, before, after)
            : current == 0 ? MeterReading.Absent(_noCurrent, before, after)
            : MeterReading.OfPower(bus * Ina226.VoltsPerStep * ((short)current * _chip.AmpsPerStep), before, after);
    }

    public void Dispose() => _registers.Dispose();

    private static bool SetUp(ChipRegisters registers, Ina226 chip) =>
        registers.TryWriteWord(Ina226.Configuration, chip.ConfigurationWord) && registers.TryWriteWord(Ina226.Calibration, chip.CalibrationWord);
}

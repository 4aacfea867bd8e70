namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>
/// Energy of an INA228 without a kernel driver, out of its 40-bit register. The register only grows: the sign is the
/// current's, and where that has changed since the last reading the energy between is not known.
/// </summary>
internal sealed class Ina228Meter : IEnergyMeter
{
    private const double StuckSeconds = 2;
    private readonly ChipRegisters _registers;
    private readonly TimeProvider _time;
    private readonly Ina228 _chip;
    private readonly EnergyCounter _counter;
    private readonly string _lostCalibration;
    private readonly string _stuck;
    private bool _negative;
    private bool _begun;
    private bool _gap;

    private Ina228Meter(ChipRegisters registers, TimeProvider time, Ina228 chip, I2cMeterOptions options, MeterIdentity identity)
    {
        (_registers, _time, _chip, Identity) = (registers, time, chip, identity);
        _counter = new EnergyCounter(chip.JoulesPerStep, Ina228.EnergyRange, options.MaxAmps * Ina228.MostBusVolts, time.TimestampFrequency);
        _lostCalibration = $"{registers.Place}: had lost its calibration (a brown-out); set again";
        _stuck = $"{registers.Place}: its energy has not moved for {StuckSeconds} s: the shunt is not wired, or nothing is on";
    }

    public MeterIdentity Identity { get; }

    /// <returns>Null with the reason.</returns>
    public static Ina228Meter? Open(ChipRegisters registers, I2cMeterOptions options, TimeProvider time, out string? problem)
    {
        if (options.MaxAmps * options.ShuntOhms > Ina228.MostShuntVolts)
        {
            problem = $"{options.MaxAmps} A through {options.ShuntOhms} ohm is more than the 163.84 mV that an INA228 measures";
            return null;
        }
        if (!registers.TryReadWord(Ina228.Manufacturer, out ushort maker) || !registers.TryReadWord(Ina228.Device, out ushort device))
        {
            problem = registers.Problem;
            return null;
        }
        if (maker != Ina228.TexasInstruments || device >> 4 != Ina228.DeviceId)
        {
            problem = $"{registers.Place}: no INA228: it says 0x{maker:x4} 0x{device:x4}, expected 0x5449 0x228x";
            return null;
        }
        Ina228 chip = new(options.ShuntOhms, options.MaxAmps);
        if (!SetUp(registers, chip) || !registers.TryRead(Ina228.BusVoltage, Ina228.CurrentBytes, out ulong bus))
        {
            problem = registers.Problem;
            return null;
        }
        double volts = (bus >> 4) * Ina228.VoltsPerStep;
        if (volts == 0)
        {
            problem = $"{registers.Place}: 0 V at the bus input: not wired, or off";
            return null;
        }
        problem = null;
        return new Ina228Meter(registers, time, chip, options, new MeterIdentity
        {
            Source = $"ina228 i2c {options.Name}",
            Chip = $"ina228 at {registers.Place}",
            Rails = [options.Name],
            Kind = MeterKind.Accumulating,
            Scope = options.Scope,
            QuantumJoules = chip.JoulesPerStep,
            Accuracy = new MeterAccuracy(0.0005, 1e-6 / options.ShuntOhms * volts, "SLYS021: gain 0.05 %, offset 1 uV; the shunt's own tolerance is not in it"),
            Note = $"shunt {options.ShuntOhms} ohm as configured",
        });
    }

    public MeterReading Read(bool parts = true)
    {
        long before = _time.GetTimestamp();
        if (!_registers.TryReadWord(Ina228.ShuntCalibration, out ushort calibration)
            || !_registers.TryRead(Ina228.Energy, Ina228.EnergyBytes, out ulong energy)
            || !_registers.TryRead(Ina228.Current, Ina228.CurrentBytes, out ulong current))
        {
            return MeterReading.Absent(_registers.Problem, before, _time.GetTimestamp());
        }
        long after = _time.GetTimestamp();
        if (calibration != _chip.CalibrationWord)
        {
            // The supply fell: the register has begun anew, on the maker's calibration.
            _counter.Restart();
            (_begun, _gap) = (false, true);
            return MeterReading.Absent(SetUp(_registers, _chip) ? _lostCalibration : _registers.Problem, before, after, gap: true);
        }
        long middle = before + ((after - before) / 2);
        // 20 bits, left-aligned in 24, two's complement.
        int steps = (int)(current << 8) >> 12;
        bool negative = steps == 0 ? _negative : steps < 0;
        bool turned = _begun && negative != _negative;
        if (turned)
        {
            _counter.Restart();
        }
        bool gap = _counter.Next(energy, middle, negative) != CounterStep.Added || turned || _gap;
        (_negative, _begun, _gap) = (negative, true, false);
        return middle - _counter.MovedTicks > StuckSeconds * _time.TimestampFrequency
            ? MeterReading.Absent(_stuck, before, after, gap)
            : MeterReading.OfEnergy(_counter.Joules, before, after, gap);
    }

    public void Dispose() => _registers.Dispose();

    private static bool SetUp(ChipRegisters registers, Ina228 chip) =>
        registers.TryWriteWord(Ina228.Configuration, chip.ConfigurationWord)
        && registers.TryWriteWord(Ina228.AdcConfiguration, Ina228.AdcConfigurationWord)
        && registers.TryWriteWord(Ina228.ShuntCalibration, chip.CalibrationWord);
}

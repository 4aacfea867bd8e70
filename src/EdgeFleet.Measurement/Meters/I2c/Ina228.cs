namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>The INA228's registers (SLYS021), for one shunt and one largest current.</summary>
internal sealed class Ina228
{
    public const byte Configuration = 0, AdcConfiguration = 1, ShuntCalibration = 2, BusVoltage = 5, Current = 7, Energy = 9, Manufacturer = 0x3E, Device = 0x3F;
    public const ushort TexasInstruments = 0x5449, DeviceId = 0x228;
    public const int CurrentBytes = 3, EnergyBytes = 5;
    public const double VoltsPerStep = 195.3125e-6, MostShuntVolts = 163.84e-3, MostBusVolts = 85;
    public const ulong EnergyRange = 1UL << 40;
    /// <summary>Shunt and bus without pause, 1052 us each, no averaging: the accumulator takes every conversion.</summary>
    public const ushort AdcConfigurationWord = 0xBB68;
    private const double FineShuntVolts = 40.96e-3;
    private const ushort FineRange = 1 << 4;

    public Ina228(double shuntOhms, double maxAmps)
    {
        bool fine = maxAmps * shuntOhms <= FineShuntVolts;
        ConfigurationWord = fine ? FineRange : (ushort)0;
        // SHUNT_CAL = 13107.2e6 * current step * shunt, four times that in the fine range; computed back for what rounding does.
        double perAmp = 13107.2e6 * shuntOhms * (fine ? 4 : 1);
        CalibrationWord = (ushort)Math.Clamp(Math.Round(perAmp * (maxAmps / (1 << 19))), 1, short.MaxValue);
        AmpsPerStep = CalibrationWord / perAmp;
    }

    public ushort ConfigurationWord { get; }

    public ushort CalibrationWord { get; }

    public double AmpsPerStep { get; }

    /// <summary>The power's step is 3.2 times the current's, the energy's 16 times the power's.</summary>
    public double JoulesPerStep => 16 * 3.2 * AmpsPerStep;
}

namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>The INA226's registers (SBOS547), for one shunt and one largest current.</summary>
internal sealed class Ina226
{
    public const byte Configuration = 0, BusVoltage = 2, Current = 4, Calibration = 5, Manufacturer = 0xFE, Die = 0xFF;
    public const ushort TexasInstruments = 0x5449, DieId = 0x2260;
    public const double VoltsPerStep = 1.25e-3, ShuntVoltsPerStep = 2.5e-6, MostShuntVolts = 81.92e-3;
    private const ushort Reserved = 0x4000, ContinuousShuntAndBus = 7;
    private static readonly int[] s_conversionMicros = [140, 204, 332, 588, 1100, 2116, 4156, 8244];
    private static readonly int[] s_averages = [1, 4, 16, 64, 128, 256, 512, 1024];

    public Ina226(double shuntOhms, double maxAmps, TimeSpan period)
    {
        // CAL = 0.00512 / (current step * shunt); rounded, so the step that really results is computed back from it.
        CalibrationWord = (ushort)Math.Clamp(Math.Round(0.00512 / (maxAmps / (1 << 15) * shuntOhms)), 1, short.MaxValue);
        AmpsPerStep = 0.00512 / (CalibrationWord * shuntOhms);
        (int average, int conversion) = Slowest(period);
        ConfigurationWord = (ushort)(Reserved | (average << 9) | (conversion << 6) | (conversion << 3) | ContinuousShuntAndBus);
        ConversionTime = TimeSpan.FromMicroseconds(s_averages[average] * 2.0 * s_conversionMicros[conversion]);
    }

    public ushort CalibrationWord { get; }

    public ushort ConfigurationWord { get; }

    public double AmpsPerStep { get; }

    public TimeSpan ConversionTime { get; }

    /// <summary>Averages and conversion times whose product is nearest to the period, so that no energy falls between two readings.</summary>
    private static (int Average, int Conversion) Slowest(TimeSpan period)
    {
        (int Average, int Conversion) best = default;
        double nearest = double.MaxValue;
        for (int average = 0; average < s_averages.Length; average++)
        {
            for (int conversion = 0; conversion < s_conversionMicros.Length; conversion++)
            {
                double distance = Math.Abs((s_averages[average] * 2.0 * s_conversionMicros[conversion]) - period.TotalMicroseconds);
                if (distance < nearest)
                {
                    (nearest, best) = (distance, (average, conversion));
                }
            }
        }
        return best;
    }
}

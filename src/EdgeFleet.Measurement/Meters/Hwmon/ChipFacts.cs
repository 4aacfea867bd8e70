using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>Steps and errors of the chips behind hwmon, from their data sheets and their shunts.</summary>
internal static class ChipFacts
{
    /// <summary>One step of the shunt voltage, its offset (V) and the gain (share). Null for a chip that is not known.</summary>
    private static (double StepVolts, double OffsetVolts, double Gain, string Source)? Of(string chip) => chip switch
    {
        _ when Is(chip, "ina3221") => (40e-6, 80e-6, 0.0025, "SBOS576: gain 0.25 %, offset 80 uV"),
        _ when Is(chip, "ina219") || Is(chip, "ina220") => (10e-6, 100e-6, 0.01, "TI's forum on the INA220: gain 1 %, offset 100 uV"),
        _ when Is(chip, "ina226") || Is(chip, "ina230") || Is(chip, "ina231") => (2.5e-6, 10e-6, 0.001, "SBOS547: gain 0.1 %, offset 10 uV"),
        _ when Is(chip, "ina238") || Is(chip, "ina237") => (5e-6, 5e-6, 0.001, "INA238's data sheet: gain 0.1 %, offset 5 uV"),
        _ when Is(chip, "ina228") => (312.5e-9, 1e-6, 0.0005, "SLYS021: gain 0.05 %, offset 1 uV"),
        _ => null,
    };

    /// <summary>
    /// One step of the rail's power and its accuracy at the voltage that it has now. Quanta and offsets of several rails add
    /// up as independent ones.
    /// </summary>
    public static (double? QuantumWatts, MeterAccuracy Accuracy) Of(ISystemFiles files, IReadOnlyList<RailPlace> rails, double? boardShuntOhms)
    {
        double quanta = 0, offsets = 0, gain = 0;
        string source = "";
        foreach (RailPlace rail in rails)
        {
            if (Of(rail.Chip.Name) is not { } facts || Shunt(files, rail, boardShuntOhms) is not { } ohms || Volts(files, rail) is not { } volts)
            {
                return (null, MeterAccuracy.Unknown with { Source = $"the chip's errors or the shunt of the rail '{rail.Name}' are not known" });
            }
            double quantum = facts.StepVolts / ohms * volts;
            double offset = facts.OffsetVolts / ohms * volts;
            (quanta, offsets, gain, source) = (quanta + (quantum * quantum), offsets + (offset * offset), Math.Max(gain, facts.Gain), facts.Source);
        }
        return (Math.Sqrt(quanta), new MeterAccuracy(gain, Math.Sqrt(offsets), $"{source}; the shunt's own tolerance is not in it"));
    }

    public static double? Shunt(ISystemFiles files, RailPlace rail, double? boardShuntOhms)
    {
        if (rail.Shunt is null)
        {
            return boardShuntOhms;
        }
        using SensorFile file = new(files, rail.Shunt);
        return file.TryRead(out long microOhms) && microOhms > 0 ? microOhms * 1e-6 : boardShuntOhms;
    }

    private static double? Volts(ISystemFiles files, RailPlace rail)
    {
        using SensorFile file = new(files, rail.Volts ?? $"{rail.Chip.Folder}/in1_input");
        return file.TryRead(out long milliVolts) && milliVolts > 0 ? milliVolts * 1e-3 : null;
    }

    private static bool Is(string chip, string name) => chip.StartsWith(name, StringComparison.Ordinal);
}

using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters.Battery;
using EdgeFleet.Measurement.Meters.Hwmon;
using EdgeFleet.Measurement.Meters.I2c;
using EdgeFleet.Measurement.Meters.Pi;
using EdgeFleet.Measurement.Meters.Rapl;

namespace EdgeFleet.Measurement.Meters;

/// <summary>
/// Looks for everything that measures energy here. A meter is there when it has given a reading, not when its files are: a
/// driver that initialises and then answers "not supported" has been taken for a meter before.
/// </summary>
public static class EnergyMeters
{
    private const string Attach = "where a board measures no current: put an INA226 or INA228 breakout into its supply line (shunt in the plus wire, I2C to pins 3 and 5, "
        + "supply from 3.3 V), turn the bus on, and configure chip, bus, address, shunt and largest current";

    /// <param name="files">Where the tree is read.</param>
    /// <param name="options">What looking cannot find out; null for nothing.</param>
    /// <param name="time">The clock of the readings; null for the system's.</param>
    /// <param name="hardware">Buses and firmware; null for those below the files' root.</param>
    public static MeterSearch Find(ISystemFiles files, EnergyMeterOptions? options = null, TimeProvider? time = null, MeterHardware? hardware = null)
    {
        options ??= new EnergyMeterOptions();
        time ??= TimeProvider.System;
        hardware ??= MeterHardware.Of(files);
        List<(MeterFinding Finding, IEnergyMeter? Meter)> all = [];
        all.AddRange(options.I2c.Select(chip => I2cMeters.Open(chip, hardware, time)));
        all.AddRange(HwmonMeters.Find(files, time));
        all.AddRange(RaspberryPi(files, options, time, hardware));
        all.AddRange(RaplMeters.Find(files, time));
        all.AddRange(BatteryMeters.Find(files, time));
        if (all.TrueForAll(found => found.Meter is null) && options.I2c.Count == 0 && !all.Exists(found => found.Finding.Advice == Attach))
        {
            all.Add((new MeterFinding("external meter", null, "none configured", Attach), null));
        }
        return new MeterSearch(MeterRanking.Rank(all.Select(found => found.Meter).OfType<IEnergyMeter>(), options.Prefer), [.. all.Select(found => found.Finding)]);
    }

    private static IEnumerable<(MeterFinding, IEnergyMeter?)> RaspberryPi(ISystemFiles files, EnergyMeterOptions options, TimeProvider time, MeterHardware hardware)
    {
        string model = (files.Read("/proc/device-tree/model").Text ?? files.Read("/sys/firmware/devicetree/base/model").Text ?? "").TrimEnd('\0');
        if (!model.StartsWith("Raspberry Pi", StringComparison.Ordinal))
        {
            yield break;
        }
        // Also the Compute Module 5 and the Pi 500 have this regulator.
        if (!model.Contains(" 5", StringComparison.Ordinal))
        {
            yield return (new MeterFinding("Raspberry Pi", null, $"'{model}' has no current sensor", Attach), null);
            yield break;
        }
        yield return Pmic(hardware, time, null);
        if (options.PiBoard is not null)
        {
            yield return Pmic(hardware, time, options.PiBoard);
        }
    }

    private static (MeterFinding, IEnergyMeter?) Pmic(MeterHardware hardware, TimeProvider time, PiBoardFit? board)
    {
        IFirmwareMailbox mailbox = hardware.OpenMailbox();
        PmicMeter meter = new(mailbox, time, board);
        if (meter.Read().AbsentReason is not { } problem)
        {
            return (new MeterFinding(meter.Identity.Source, meter.Identity, board is null ? "a sum of rails, less than the board draws" : "modelled, not measured",
                board is null ? "for the whole board attach an INA226 or INA228, or accept the modelled board fit in the configuration" : null), meter);
        }
        Errno error = meter.Error;
        meter.Dispose();
        return (new MeterFinding(meter.Identity.Source, null, problem, error switch
        {
            Errno.Eacces or Errno.Eperm => "add the agent's user to the group video (it owns /dev/vcio)",
            Errno.Enoent or Errno.Enotty => "/dev/vcio is the firmware's mailbox: in a container pass it in (--device /dev/vcio)",
            _ => "update the firmware ('vcgencmd pmic_read_adc' must list rails)",
        }), null);
    }
}

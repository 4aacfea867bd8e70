using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.I2c;

/// <summary>Opens the chips that are configured, or says why one cannot be used.</summary>
internal static class I2cMeters
{
    public static (MeterFinding Finding, IEnergyMeter? Meter) Open(I2cMeterOptions options, MeterHardware hardware, TimeProvider time)
    {
        string source = $"{options.Chip.ToString().ToLowerInvariant()} i2c {options.Name}";
        if (options is not { ShuntOhms: > 0 and < 10, MaxAmps: > 0 and < 1000, Address: >= 0x08 and <= 0x77, Bus: >= 0 })
        {
            return (new MeterFinding(source, null, $"bus {options.Bus}, address 0x{options.Address:x2}, shunt {options.ShuntOhms} ohm, {options.MaxAmps} A: out of range",
                "give the shunt in ohms (0.01 for 10 milliohms), the largest current in amperes, and a 7-bit address (0x40 to 0x4f)"), null);
        }
        ChipRegisters registers = new(hardware.OpenI2c(options.Bus), options.Bus, options.Address);
        IEnergyMeter? meter = options.Chip == I2cChip.Ina226
            ? Ina226Meter.Open(registers, options, time, out string? problem)
            : Ina228Meter.Open(registers, options, time, out problem);
        Errno error = registers.Error;
        if (meter is not null && meter.Read().AbsentReason is not null)
        {
            // The first conversion with the new calibration may not have ended yet; the slowest takes half the period and more.
            Thread.Sleep(meter.Identity.Period);
            problem = meter.Read().AbsentReason;
            error = registers.Error;
        }
        if (meter is null || problem is not null)
        {
            registers.Dispose();
            return (new MeterFinding(source, null, problem, Advice(error, options)), null);
        }
        return (new MeterFinding(meter.Identity.Source, meter.Identity), meter);
    }

    private static string Advice(Errno error, I2cMeterOptions options) => error switch
    {
        Errno.Enoent => $"/dev/i2c-{options.Bus} is not there: turn the bus on (raspi-config, device tree) and 'modprobe i2c-dev'",
        Errno.Eacces or Errno.Eperm => $"add the agent's user to the group i2c (it owns /dev/i2c-{options.Bus})",
        Errno.Ebusy => "a kernel driver has the chip: it is below /sys/class/hwmon and needs no configuration here",
        Errno.Enxio or Errno.Eremoteio or Errno.Eio or Errno.Etimedout => $"nobody answers: check wiring, supply and address pins ('i2cdetect -y {options.Bus}')",
        _ => "check chip, bus and address in the configuration",
    };
}

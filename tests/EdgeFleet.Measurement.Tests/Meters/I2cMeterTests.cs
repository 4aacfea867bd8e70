using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class I2cMeterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_INA226_reads_the_data_sheet_s_example()
    {
        // SBOS547, 7.5: 2 milliohm, 1 mA a step, 10 A at 11.98 V.
        FakeIna226 chip = new() { Shunt = 8000, Bus = 9584 };
        using MeterSearch search = Find(chip, Ina226);
        IEnergyMeter meter = search.Best!;
        Assert.Equal(2560, chip.Word(5));
        Assert.Equal(119.8, meter.Read().Watts!.Value, 6);
        Assert.Equal(MeterKind.Sampled, meter.Identity.Kind);
        // 2.5 uV over 2 milliohm are 1.25 mA: coarser than the current's own step.
        Assert.Equal(1.25e-3 * 11.98, meter.Identity.QuantumWatts!.Value, 9);
        Assert.Equal(10e-6 / 0.002 * 11.98, meter.Identity.Accuracy.OffsetWatts!.Value, 9);
    }

    [Fact]
    public void An_INA226_averages_for_about_the_period_so_that_nothing_falls_between_two_readings()
    {
        FakeIna226 chip = new() { Shunt = 8000, Bus = 9584 };
        using MeterSearch search = Find(chip, Ina226);
        int[] averages = [1, 4, 16, 64, 128, 256, 512, 1024], micros = [140, 204, 332, 588, 1100, 2116, 4156, 8244];
        int word = chip.Word(0);
        double milliseconds = averages[(word >> 9) & 7] * (micros[(word >> 6) & 7] + micros[(word >> 3) & 7]) / 1000.0;
        Assert.InRange(milliseconds, 95, 105);
        Assert.Equal((0x4000, 7), (word & 0x7000, word & 7)); // reserved bits as they are, shunt and bus without end
        Assert.True(search.Best!.Identity.Period.TotalMilliseconds >= milliseconds);
    }

    [Fact]
    public void A_chip_that_lost_its_calibration_is_set_up_again_and_reads_on()
    {
        FakeIna226 chip = new() { Shunt = 8000, Bus = 9584 };
        using MeterSearch search = Find(chip, Ina226);
        int configuration = chip.Word(0);
        chip.BrownOut();
        Assert.Contains("lost its calibration", search.Best!.Read().AbsentReason, StringComparison.Ordinal);
        Assert.Equal((2560, configuration), (chip.Word(5), chip.Word(0)));
        Assert.Equal(119.8, search.Best.Read().Watts!.Value, 6);
    }

    [Fact]
    public void A_current_that_flows_the_other_way_is_negative_power()
    {
        FakeIna226 chip = new() { Shunt = -8000, Bus = 9584 };
        using MeterSearch search = Find(chip, Ina226);
        Assert.Equal(-119.8, search.Best!.Read().Watts!.Value, 6);
    }

    [Fact]
    public void A_shunt_that_is_not_wired_is_no_meter()
    {
        using MeterSearch search = Find(new FakeIna226 { Shunt = 0, Bus = 9584 }, Ina226);
        Assert.Empty(search.Meters);
        Assert.Contains("shunt is not wired", search.Findings[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_INA228_is_calibrated_as_the_data_sheet_s_example_and_counts_energy_over_40_bits()
    {
        FakeIna228 chip = new() { Current = 1000, Energy = (1UL << 40) - 100 };
        using MeterSearch search = Find(chip, Ina228);
        IEnergyMeter meter = search.Best!;
        Assert.Equal(4050, chip.Word(2)); // SLYS021, 8.1.2: 10 A through 16.2 milliohm
        Assert.Equal(0, chip.Word(0) & 0x10);
        Assert.Equal(MeterKind.Accumulating, meter.Identity.Kind);
        double joulesPerStep = 16 * 3.2 * (10.0 / (1 << 19));
        Assert.Equal(joulesPerStep, meter.Identity.QuantumJoules!.Value, 1e-4 * joulesPerStep);
        Assert.Equal(0, meter.Read().Joules);

        _time.Advance(TimeSpan.FromSeconds(1));
        chip.Energy = 12_300; // wrapped
        Assert.Equal(12_400 * meter.Identity.QuantumJoules.Value, meter.Read().Joules!.Value, 9);
    }

    [Fact]
    public void A_small_shunt_voltage_is_measured_in_the_fine_range()
    {
        FakeIna228 chip = new() { Current = 1000, Energy = 5 };
        using MeterSearch search = Find(chip, Ina228 with { ShuntOhms = 0.004 });
        Assert.Equal(0x10, chip.Word(0) & 0x10);
        Assert.Equal(4000, chip.Word(2)); // 13107.2e6 * (10 / 2^19) * 0.004 * 4
    }

    [Fact]
    public void Energy_that_flows_back_is_taken_off_and_the_turn_is_a_gap()
    {
        FakeIna228 chip = new() { Current = 1000, Energy = 1000 };
        using MeterSearch search = Find(chip, Ina228);
        IEnergyMeter meter = search.Best!;
        double step = meter.Identity.QuantumJoules!.Value;
        chip.Energy = 3000;
        Assert.Equal(2000 * step, meter.Read().Joules!.Value, 9);
        (chip.Current, chip.Energy) = (-1000, 3500);
        MeterReading turned = meter.Read();
        Assert.Equal((true, 2000 * step), (turned.Gap, turned.Joules!.Value));
        chip.Energy = 4500;
        MeterReading charging = meter.Read();
        Assert.Equal((false, 1000 * step), (charging.Gap, charging.Joules!.Value));
    }

    [Fact]
    public void After_a_brown_out_the_energy_between_is_not_known_and_no_wrap_is_made_of_it()
    {
        FakeIna228 chip = new() { Current = 1000, Energy = 50_000 };
        using MeterSearch search = Find(chip, Ina228);
        IEnergyMeter meter = search.Best!;
        chip.Energy = 60_000;
        double before = meter.Read().Joules!.Value;
        chip.BrownOut();
        MeterReading lost = meter.Read();
        Assert.Equal((true, null), (lost.Gap, lost.Joules));
        Assert.Equal(4050, chip.Word(2));

        chip.Energy = 70;
        MeterReading again = meter.Read();
        Assert.Equal((true, before), (again.Gap, again.Joules!.Value));
        chip.Energy = 170;
        MeterReading next = meter.Read();
        Assert.False(next.Gap);
        Assert.Equal(before + (100 * meter.Identity.QuantumJoules!.Value), next.Joules!.Value, 9);
    }

    [Fact]
    public void Every_errno_of_the_bus_is_absent_and_never_zero()
    {
        foreach (I2cMeterOptions options in (I2cMeterOptions[])[Ina226, Ina228])
        {
            foreach (Errno error in Enum.GetValues<Errno>().Where(error => error != Errno.None))
            {
                FakeI2cChip chip = options.Chip == I2cChip.Ina226 ? new FakeIna226 { Shunt = 8000, Bus = 9584 } : new FakeIna228 { Current = 1000, Energy = 5 };
                using MeterSearch search = Find(chip, options);
                chip.Error = error;
                MeterReading reading = search.Best!.Read();
                Assert.Equal((null, null), (reading.Watts, reading.Joules));
                Assert.Contains(error.ToString().ToUpperInvariant(), reading.AbsentReason, StringComparison.Ordinal);
                using MeterSearch again = Find(chip, options);
                Assert.Empty(again.Meters);
            }
        }
    }

    [Theory]
    [InlineData(Errno.Ebusy, "hwmon")]
    [InlineData(Errno.Enxio, "wiring")]
    [InlineData(Errno.Eacces, "group i2c")]
    [InlineData(Errno.Enoent, "i2c-dev")]
    public void A_chip_that_cannot_be_used_comes_with_what_to_do(Errno error, string advice)
    {
        using MeterSearch search = Find(new FakeIna226 { Error = error }, Ina226);
        Assert.Contains(advice, search.Findings[0].Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_chip_a_wrong_address_and_a_shunt_that_cannot_be_are_refused()
    {
        Assert.Contains("no INA228", Refusal(new FakeIna226 { Shunt = 1, Bus = 1 }, Ina228 with { ShuntOhms = 0.002 }), StringComparison.Ordinal);
        Assert.Contains("no INA226", Refusal(new FakeIna228(), Ina226), StringComparison.Ordinal);
        Assert.Contains("ENXIO", Refusal(new FakeIna226(), Ina226 with { Address = 0x41 }), StringComparison.Ordinal);
        Assert.Contains("out of range", Refusal(new FakeIna226(), Ina226 with { ShuntOhms = 0 }), StringComparison.Ordinal);
        Assert.Contains("81.92 mV", Refusal(new FakeIna226(), Ina226 with { ShuntOhms = 0.1 }), StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_allocates_nothing_after_the_first()
    {
        foreach (I2cMeterOptions options in (I2cMeterOptions[])[Ina226, Ina228])
        {
            AllocationFreeBus bus = new();
            MeterHardware hardware = new(_ => bus, () => throw new InvalidOperationException("no mailbox here"));
            using MeterSearch search = EnergyMeters.Find(new KernelFiles(_folder.Path), new EnergyMeterOptions { I2c = [options] }, _time, hardware);
            search.Best!.Read();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 100; i++)
            {
                search.Best.Read();
            }
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }
    }

    private static I2cMeterOptions Ina226 { get; } = new() { Chip = I2cChip.Ina226, Bus = 1, ShuntOhms = 0.002, MaxAmps = 32.768 };

    private static I2cMeterOptions Ina228 { get; } = new() { Chip = I2cChip.Ina228, Bus = 1, ShuntOhms = 0.0162, MaxAmps = 10 };

    private string Refusal(FakeI2cChip chip, I2cMeterOptions options)
    {
        using MeterSearch search = Find(chip, options);
        Assert.Empty(search.Meters);
        return search.Findings[0].Reason!;
    }

    private MeterSearch Find(FakeI2cChip chip, I2cMeterOptions options) => EnergyMeters.Find(new KernelFiles(_folder.Path), new EnergyMeterOptions { I2c = [options] }, _time,
        new MeterHardware(bus => bus == 1 ? chip : throw new InvalidOperationException($"bus {bus}"), () => throw new InvalidOperationException("no mailbox here")));

    /// <summary>Answers what both chips need to read on, out of nothing.</summary>
    private sealed class AllocationFreeBus : EdgeFleet.Linux.I2c.II2cBus
    {
        private readonly byte[] _words = new byte[2 * 256];

        public Errno Read(byte address, byte register, Span<byte> content)
        {
            content.Clear();
            if (content.Length == 2)
            {
                _words.AsSpan(2 * register, 2).CopyTo(content);
                if (register is 0xFE or 0x3E)
                {
                    (content[0], content[1]) = (0x54, 0x49);
                }
                else if (register is 0xFF or 0x3F)
                {
                    (content[0], content[1]) = (0x22, register == 0xFF ? (byte)0x60 : (byte)0x81);
                }
                else if (register is 2 or 4 && _words[2 * register] == 0)
                {
                    (content[0], content[1]) = (0x25, 0x70);
                }
            }
            else
            {
                content[^2] = 0x70;
            }
            return Errno.None;
        }

        public Errno Write(byte address, byte register, ReadOnlySpan<byte> content)
        {
            content.CopyTo(_words.AsSpan(2 * register, 2));
            return Errno.None;
        }

        public void Dispose() => GC.SuppressFinalize(this);
    }
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class JetsonMeterTests : IDisposable
{
    private const string Chip = ModelledTrees.OrinNxChip;
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData(true), InlineData(false)]
    public void The_total_of_an_Orin_NX_is_its_input_rail_alone(bool deviceTree)
    {
        _folder.OrinNxModelled(deviceTree);
        using MeterSearch search = Find();
        IEnergyMeter meter = Assert.Single(search.Meters);
        MeterReading reading = meter.Read();

        Assert.Equal(9.250304, reading.Watts!.Value, 9);
        Assert.Equal(0.039872, meter.Identity.QuantumWatts!.Value, 9);
        Assert.Equal(0.079744, meter.Identity.Accuracy.OffsetWatts!.Value, 9);
        Assert.Equal(("ina3221 hwmon VDD_IN", "ina3221 at 1-0040", ReadingState.Measured), (meter.Identity.Source, meter.Identity.Chip, meter.Identity.State));
        Assert.Equal(["VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"], reading.Parts.ToArray().Select(part => part.Name));
        Assert.Equal([true, false, false], reading.Parts.ToArray().Select(part => part.Added));
        Assert.Equal(3.18464, reading.Parts.Span[1].Watts!.Value, 9);
    }

    [Fact]
    public void The_sum_of_shunt_voltages_is_never_a_rail()
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find();
        Assert.Equal(3, search.Best!.Read().Parts.Length);
        Assert.DoesNotContain(search.Best.Read().Parts.ToArray(), part => part.Name.Contains("sum", StringComparison.Ordinal));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void An_AGX_Orin_adds_four_rails_of_two_chips_in_steps_of_20_milliamperes(bool deviceTree)
    {
        _folder.AgxOrinModelled(deviceTree);
        using MeterSearch search = Find();
        IEnergyMeter meter = Assert.Single(search.Meters);
        RailReading[] parts = meter.Read().Parts.ToArray();

        // One step of the 2 milliohm shunts is 20 mA: the published line is 8, 36 and 50 of them.
        Assert.Equal(3.150, parts[0].Watts!.Value, 3);
        Assert.Equal(14.312, parts[1].Watts!.Value, 3);
        Assert.Equal(4.968, parts[2].Watts!.Value, 3);
        Assert.Equal(8, parts[0].Watts!.Value / (0.02 * 19.688), 9);
        Assert.Equal(36, parts[1].Watts!.Value / (0.02 * 19.878), 9);
        Assert.Equal(50, parts[2].Watts!.Value / (0.02 * 4.968), 9);
        Assert.Equal(3.15008 + 14.31216 + 4.968 + 1.988, meter.Read().Watts!.Value, 9);
        Assert.Equal(["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"], meter.Identity.Rails);
        Assert.All(parts, part => Assert.True(part.Added));
        Assert.Equal(Math.Sqrt(Square(0.39376) + Square(0.39756) + Square(0.09936) + Square(0.3976)), meter.Identity.QuantumWatts!.Value, 9);
    }

    [Fact]
    public void The_carrier_of_an_industrial_AGX_Orin_is_shown_and_not_added()
    {
        _folder.AgxOrinModelled();
        _folder.Write("sys/bus/i2c/devices/2-0041/name", "ina3221\n");
        _folder.Ina3221("sys/bus/i2c/devices/2-0041/hwmon/hwmon6", 2000, ("CVB_ATX_12V", 12000, 3000), ("CVB_ATX_3V3", 3300, 500), ("CVB_ATX_5V", 5000, 800));
        using MeterSearch search = Find();
        MeterReading reading = search.Best!.Read();
        Assert.Equal(24.41824, reading.Watts!.Value, 9);
        Assert.Equal(["CVB_ATX_12V", "CVB_ATX_3V3", "CVB_ATX_5V"], reading.Parts.ToArray().Where(part => !part.Added).Select(part => part.Name));
    }

    [Fact]
    public void A_rail_of_a_sum_that_reads_nothing_is_named_and_the_rest_is_no_total()
    {
        _folder.AgxOrinModelled();
        _folder.Write("sys/bus/i2c/devices/1-0040/hwmon/hwmon3/curr1_input", "0\n");
        using MeterSearch search = Find();
        MeterFinding finding = Assert.Single(search.Findings, finding => finding.Meter is not null);
        Assert.Equal("the rail 'VDD_GPU_SOC' reads 0 W: the total lacks whatever it carries", finding.Reason);
        Assert.NotNull(finding.Advice);
    }

    [Fact]
    public void An_AGX_Orin_that_lacks_a_rail_has_no_total()
    {
        _folder.AgxOrinModelled();
        _folder.Write("sys/bus/i2c/devices/1-0041/hwmon/hwmon4/in2_label", "NC\n");
        MeterFinding finding = Refused();
        Assert.Contains("no rail 'VDDQ_VDD2_1V8AO'", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("VDD_GPU_SOC (1-0040)", finding.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sys/bus/i2c/devices/6-0040/iio:device0")]
    [InlineData("sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0")]
    [InlineData("sys/devices/7000c400.i2c/i2c-6/6-0040/iio_device")]
    [InlineData("sys/bus/iio/devices/iio:device0")]
    public void A_Nano_under_JetPack_4_is_read_by_its_iio_names(string device)
    {
        _folder.JetPack4NanoModelled(device);
        using MeterSearch search = Find();
        Assert.Equal(3.115008, search.Best!.Read().Watts!.Value, 9);
        Assert.Equal("ina3221x iio POM_5V_IN", search.Best.Identity.Source);
        Assert.Equal(0.008 * 4.992, search.Best.Identity.QuantumWatts!.Value, 9);
    }

    [Fact]
    public void An_iio_device_that_shows_power_alone_is_read_by_it()
    {
        _folder.JetPack4NanoModelled();
        foreach (string file in Directory.GetFiles(_folder["sys/bus/i2c/devices/6-0040/iio:device0"], "in_current*"))
        {
            File.Delete(file);
        }
        using MeterSearch search = Find();
        Assert.Equal(3.115, search.Best!.Read().Watts!.Value, 9);
    }

    [Theory]
    [InlineData("sys/bus/i2c/devices/1-0040/hwmon/hwmon1")]
    [InlineData("sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1")]
    [InlineData("sys/class/hwmon/hwmon1")]
    [InlineData("sys/devices/platform/c240000.i2c/i2c-1/1-0040/hwmon/hwmon1")]
    [InlineData("sys/devices/platform/bus@0/c240000.i2c/i2c-1/1-0040/hwmon/hwmon1")]
    public void The_chip_is_found_by_every_way_that_leads_to_it(string hwmon)
    {
        _folder.Ina3221(hwmon, 5000, ("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320));
        using MeterSearch search = Find();
        Assert.Equal(9.250304, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void A_chip_that_two_ways_lead_to_is_one_chip()
    {
        _folder.OrinNxModelled();
        Directory.CreateDirectory(_folder["sys/class/hwmon"]);
        Directory.CreateSymbolicLink(_folder["sys/class/hwmon/hwmon1"], _folder[Chip]);
        using MeterSearch search = Find();
        Assert.Equal(9.250304, Assert.Single(search.Meters).Read().Watts!.Value, 9);
    }

    [Fact]
    public void A_hwmon_without_a_name_is_known_by_the_device_above_it()
    {
        _folder.OrinNxModelled();
        File.Delete(_folder[$"{Chip}/name"]);
        using MeterSearch search = Find();
        Assert.Equal(9.250304, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void Labels_in_lower_case_are_the_same_rails()
    {
        _folder.OrinNxModelled();
        _folder.Write($"{Chip}/in1_label", "vdd_in\n");
        using MeterSearch search = Find();
        Assert.Equal(9.250304, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void Thor_is_measured_at_its_carrier_s_input()
    {
        _folder.ThorModelled();
        using MeterSearch search = Find();
        IEnergyMeter meter = Assert.Single(search.Meters);
        MeterReading reading = meter.Read();
        Assert.Equal(28.797, reading.Watts!.Value, 9);
        Assert.Equal("ina238 hwmon VIN", meter.Identity.Source);
        Assert.Equal(["VIN", "VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"], reading.Parts.ToArray().Select(part => part.Name));
    }

    [Fact]
    public void A_TX2_is_measured_by_the_module_s_input_and_not_by_the_same_label_of_a_carrier()
    {
        _folder.Write("proc/device-tree/compatible", "nvidia,p2597-0000+p3310-1000\0nvidia,tegra186\0");
        _folder.Ina3221("sys/bus/i2c/devices/0-0041/hwmon/hwmon1", 5000, ("VDD_IN", 19000, 200), ("VDD_SYS_CPU", 19000, 40), ("VDD_SYS_DDR", 19000, 30));
        _folder.Ina3221("sys/bus/i2c/devices/0-0042/hwmon/hwmon2", 5000, ("VDD_MUX", 19000, 300), ("VDD_IN", 5000, 10), ("VDD_3V3_SYS", 3300, 100));
        using MeterSearch search = Find();
        Assert.Equal(3.8, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void An_AGX_Xavier_adds_its_six_rails()
    {
        _folder.Write("proc/device-tree/compatible", "nvidia,p2972-0000\0nvidia,p2888-0001\0nvidia,tegra194\0");
        _folder.Ina3221("sys/bus/i2c/devices/1-0040/hwmon/hwmon1", 5000, ("GPU", 19000, 100), ("CPU", 19000, 200), ("SOC", 19000, 300));
        _folder.Ina3221("sys/bus/i2c/devices/1-0041/hwmon/hwmon2", 5000, ("CV", 19000, 10), ("VDDRQ", 19000, 20), ("SYS5V", 5000, 400));
        using MeterSearch search = Find();
        Assert.Equal((19 * 0.63) + 2, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void An_unknown_board_with_a_rail_that_is_labelled_as_its_input_is_measured_by_it()
    {
        _folder.Write("proc/device-tree/compatible", "acme,edge-box\0");
        _folder.Ina3221("sys/class/hwmon/hwmon0", 10_000, ("CORE", 1000, 100), ("VDD_IN", 12000, 1000), ("IO", 3300, 20));
        using MeterSearch search = Find();
        Assert.Equal(12, search.Best!.Read().Watts!.Value, 9);
        Assert.Contains("unknown board", search.Best.Identity.Note, StringComparison.Ordinal);
    }

    [Fact]
    public void Rails_of_an_unknown_board_are_named_and_never_added_up()
    {
        _folder.Ina3221("sys/class/hwmon/hwmon0", 10_000, ("CORE", 1000, 100), ("MEM", 1100, 1000), ("IO", 3300, 20));
        MeterFinding finding = Refused();
        Assert.Contains("CORE", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("IO", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("never guessed", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_of_two_boards_on_one_host_are_not_chosen_between()
    {
        _folder.Ina3221("sys/class/hwmon/hwmon0", 5000, ("VDD_IN", 5000, 1000), ("VDD_CPU_GPU_CV", 5000, 100), ("VDD_SOC", 5000, 100));
        _folder.Ina3221("sys/class/hwmon/hwmon1", 5000, ("POM_5V_IN", 5000, 900), ("POM_5V_GPU", 5000, 50), ("POM_5V_CPU", 5000, 60));
        Assert.Contains("more than one rail", Refused().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_disabled_part_is_absent_with_the_way_to_turn_it_on_and_the_total_stands()
    {
        _folder.OrinNxModelled();
        FaultySystemFiles files = new(new KernelFiles(_folder.Path));
        _folder.Write($"{Chip}/in3_enable", "0\n");
        files.Fail($"{Chip}/in3_input", Errno.Enodata);
        using MeterSearch search = Find(files);
        MeterReading reading = search.Best!.Read();
        Assert.Equal(9.250304, reading.Watts!.Value, 9);
        Assert.Null(reading.Parts.Span[2].Watts);
        Assert.Contains("ENODATA", reading.Parts.Span[2].Reason, StringComparison.Ordinal);
        Assert.Equal($"echo 1 > {Chip}/in3_enable", search.Findings[0].Advice);
    }

    [Fact]
    public void A_disabled_total_is_no_meter_and_the_advice_says_what_to_write()
    {
        _folder.OrinNxModelled();
        FaultySystemFiles files = new(new KernelFiles(_folder.Path));
        files.Fail($"{Chip}/in1_input", Errno.Enodata);
        using MeterSearch search = Find(files);
        Assert.Empty(search.Meters);
        Assert.Contains("ENODATA", search.Findings[0].Reason, StringComparison.Ordinal);
        Assert.Contains($"echo 1 > {Chip}/in1_enable", search.Findings[0].Advice, StringComparison.Ordinal);
    }

    /// <summary>A captured tree may hold the last figure of a channel that is off.</summary>
    [Fact]
    public void A_total_that_its_own_enable_file_calls_off_is_no_meter_whatever_figure_stands_there()
    {
        _folder.OrinNxModelled();
        _folder.Write($"{Chip}/in1_enable", "0\n");
        MeterFinding finding = Refused();
        Assert.Contains("the rail 'VDD_IN' is turned off", finding.Reason, StringComparison.Ordinal);
        Assert.Equal($"echo 1 > {Chip}/in1_enable", finding.Advice);
    }

    [Theory]
    [InlineData("nvidia,p3450-0000\0nvidia,tegra210", "Jetson Nano")]
    [InlineData("nvidia,jetson-nano\0nvidia,p3449-0000-b00+p3448-0000-b00\0nvidia,tegra210", "Jetson Nano")]
    public void A_Nano_is_known_by_its_module_and_by_the_mainline_name_of_its_developer_kit(string compatible, string board)
    {
        _folder.JetPack4NanoModelled();
        _folder.Write("proc/device-tree/compatible", compatible + "\0");
        using MeterSearch search = Find();
        Assert.StartsWith(board, search.Best!.Identity.Note, StringComparison.Ordinal);
        Assert.Equal(0.008 * 4.992, search.Best.Identity.QuantumWatts!.Value, 9);
    }

    [Fact]
    public void A_rail_s_file_that_is_replaced_goes_on_with_the_new_one_s_figure()
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find();
        Assert.Equal(9.250304, search.Best!.Read().Watts!.Value, 9);
        File.Move(_folder.Write("next", "1000\n"), _folder[$"{Chip}/curr1_input"], overwrite: true);
        Assert.Equal(4.984, search.Best.Read().Watts!.Value, 9);
    }

    [Fact]
    public void Every_errno_of_any_file_of_the_total_is_absent_with_its_name_and_never_zero()
    {
        _folder.OrinNxModelled();
        foreach (Errno error in Enum.GetValues<Errno>().Where(error => error != Errno.None))
        {
            foreach (string file in (string[])["in1_input", "curr1_input"])
            {
                FaultySystemFiles files = new(new KernelFiles(_folder.Path));
                using MeterSearch search = Find(files);
                files.Fail($"{Chip}/{file}", error);

                MeterReading reading = search.Best!.Read();

                Assert.Null(reading.Watts);
                Assert.Contains(error.ToString().ToUpperInvariant(), reading.AbsentReason, StringComparison.Ordinal);
                files.Fail($"{Chip}/{file}", Errno.None);
                Assert.Equal(9.250304, search.Best.Read().Watts!.Value, 9); // the negative control: the same tree without the fault
            }
        }
    }

    [Theory]
    [InlineData("in1_input", "NaN")]
    [InlineData("in1_input", "")]
    [InlineData("curr1_input", "n/a")]
    [InlineData("in1_input", "0")]
    [InlineData("in1_input", "-8")]
    [InlineData("curr1_input", "0")]
    [InlineData("curr1_input", "4294967288")]
    public void What_is_no_power_is_absent_and_not_zero(string file, string text)
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find();
        _folder.Write($"{Chip}/{file}", text);
        MeterReading reading = search.Best!.Read();
        Assert.Null(reading.Watts);
        Assert.NotNull(reading.AbsentReason);
    }

    [Theory, InlineData("1856 ma", 9.250304), InlineData("-8", -0.039872)]
    public void A_current_may_have_a_unit_behind_it_or_flow_the_other_way(string text, double watts)
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find();
        _folder.Write($"{Chip}/curr1_input", text);
        Assert.Equal(watts, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void A_part_that_reads_zero_for_ever_is_flagged_and_one_that_does_not_is_not()
    {
        _folder.OrinNxModelled();
        _folder.Write($"{Chip}/curr2_input", "0\n");
        using MeterSearch search = Find();
        MeterReading reading = default;
        for (int i = 0; i < 25; i++)
        {
            reading = search.Best!.Read();
        }
        Assert.Equal([false, true, false], reading.Parts.ToArray().Select(part => part.Suspect));
        _folder.Write($"{Chip}/curr2_input", "8\n");
        Assert.False(search.Best!.Read().Parts.Span[1].Suspect);
    }

    [Fact]
    public void Another_device_under_the_old_number_is_not_read_for_the_rail()
    {
        _folder.Ina3221("sys/class/hwmon/hwmon0", 5000, ("OTHER_A", 12000, 900), ("OTHER_B", 12000, 1), ("OTHER_C", 12000, 1));
        _folder.Ina3221("sys/class/hwmon/hwmon1", 5000, ("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320));
        // Every read goes by the path, as after a driver was loaded again.
        using MeterSearch search = Find(new FaultySystemFiles(new KernelFiles(_folder.Path)));
        Assert.Equal(9.250304, search.Best!.Read().Watts!.Value, 9);

        Directory.Move(_folder["sys/class/hwmon/hwmon0"], _folder["sys/class/hwmon/hwmon2"]);
        Directory.Move(_folder["sys/class/hwmon/hwmon1"], _folder["sys/class/hwmon/hwmon0"]);
        Directory.Move(_folder["sys/class/hwmon/hwmon2"], _folder["sys/class/hwmon/hwmon1"]);

        Assert.Equal(9.250304, search.Best.Read().Watts!.Value, 9);
    }

    [Fact]
    public void A_chip_that_is_gone_is_absent_until_it_comes_back_under_any_number()
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find(new FaultySystemFiles(new KernelFiles(_folder.Path)));
        Directory.Move(_folder["sys/bus/i2c/devices/1-0040"], _folder["gone"]);
        Assert.Contains("INA3221", search.Best!.Read().AbsentReason, StringComparison.Ordinal);

        Directory.Move(_folder["gone"], _folder["sys/bus/i2c/devices/1-0040"]);
        Directory.Move(_folder[Chip], _folder["sys/bus/i2c/devices/1-0040/hwmon/hwmon9"]);
        Assert.NotNull(search.Best.Read().AbsentReason); // looked for once a second
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(9.250304, search.Best.Read().Watts!.Value, 9);
    }

    [Fact]
    public void In_any_order_of_reading_and_renumbering_the_figures_stay() =>
        Prop.ForAll(
            Gen.Elements("total", "parts", "renumber", "swap").NonEmptyListOf().ToArbitrary(),
            Gen.Elements(true, false).ToArbitrary(),
            (acts, keepsHandles) =>
            {
                using TemporaryFolder folder = new();
                folder.Ina3221("sys/class/hwmon/hwmon0", 5000, ("CARRIER_A", 12000, 900), ("NC", 0, 0), ("CARRIER_B", 12000, 1));
                folder.Ina3221("sys/class/hwmon/hwmon1", 5000, ("VDD_IN", 4984, 1856), ("VDD_CPU_GPU_CV", 4976, 640), ("VDD_SOC", 4976, 320));
                KernelFiles kernel = new(folder.Path);
                using MeterSearch search = Find(keepsHandles ? kernel : new FaultySystemFiles(kernel));
                string[] at = ["hwmon0", "hwmon1"];
                int next = 2;
                foreach (string act in acts)
                {
                    _time.Advance(TimeSpan.FromSeconds(2));
                    if (act == "renumber")
                    {
                        int which = next % 2;
                        Directory.Move(folder[$"sys/class/hwmon/{at[which]}"], folder[$"sys/class/hwmon/hwmon{next}"]);
                        at[which] = $"hwmon{next++}";
                    }
                    else if (act == "swap")
                    {
                        Directory.Move(folder[$"sys/class/hwmon/{at[0]}"], folder["sys/class/hwmon/between"]);
                        Directory.Move(folder[$"sys/class/hwmon/{at[1]}"], folder[$"sys/class/hwmon/{at[0]}"]);
                        Directory.Move(folder["sys/class/hwmon/between"], folder[$"sys/class/hwmon/{at[1]}"]);
                        (at[0], at[1]) = (at[1], at[0]);
                    }
                    MeterReading reading = search.Best!.Read(parts: act == "parts");
                    Assert.Equal(9.250304, reading.Watts!.Value, 9);
                    if (act == "parts")
                    {
                        Assert.Equal(10.8, reading.Parts.ToArray().Single(part => part.Name == "CARRIER_A").Watts!.Value, 9);
                    }
                }
                return true;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [Theory, InlineData(true), InlineData(false)]
    public void Reading_allocates_nothing_after_the_first(bool works)
    {
        _folder.OrinNxModelled();
        using MeterSearch search = Find(new KernelFiles(_folder.Path));
        if (!works)
        {
            File.Delete(_folder[$"{Chip}/curr2_input"]); // the handle lives on; the other file's does not
            _folder.Write($"{Chip}/in1_input", "0\n");
        }
        for (int i = 0; i < 30; i++)
        {
            search.Best!.Read();
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            search.Best!.Read();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static double Square(double value) => value * value;

    private MeterSearch Find(ISystemFiles? files = null) => EnergyMeters.Find(files ?? new KernelFiles(_folder.Path), time: _time);

    private MeterFinding Refused()
    {
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
        return search.Findings[0];
    }
}

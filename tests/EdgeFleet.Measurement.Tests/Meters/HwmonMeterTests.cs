using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class HwmonMeterTests : IDisposable
{
    private const string Chip = "/sys/class/hwmon/hwmon2";
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("ina219"), InlineData("ina226"), InlineData("ina238"), InlineData("ina260")]
    public void A_chip_with_a_driver_is_read_in_microwatts(string name)
    {
        Ina2xx(name);
        using MeterSearch search = Find();
        Assert.Equal(6.25, search.Best!.Read().Watts!.Value, 9);
        Assert.Equal((MeterKind.Sampled, MeterScope.Board), (search.Best.Identity.Kind, search.Best.Identity.Scope));
        Assert.Equal($"{name} hwmon input", search.Best.Identity.Source);
    }

    [Fact]
    public void The_step_and_the_errors_follow_from_the_shunt()
    {
        Ina2xx("ina226");
        using MeterSearch search = Find();
        Assert.Equal(2.5e-6 / 0.01 * 5, search.Best!.Identity.QuantumWatts!.Value, 9);
        Assert.Equal((0.001, 10e-6 / 0.01 * 5), (search.Best.Identity.Accuracy.GainShare!.Value, search.Best.Identity.Accuracy.OffsetWatts!.Value));
        Assert.Null(With(() => Ina2xx("ina260")).Best!.Identity.QuantumWatts); // its shunt is inside and its steps are not known here
    }

    [Fact]
    public void A_current_that_flows_the_other_way_makes_the_power_negative()
    {
        Ina2xx("ina226");
        using MeterSearch search = Find();
        _folder.Write($"{Chip}/curr1_input", "-1250\n");
        Assert.Equal(-6.25, search.Best!.Read().Watts!.Value, 9);
    }

    [Fact]
    public void A_meter_whose_power_is_negative_from_the_start_is_wired_the_wrong_way_round()
    {
        Ina2xx("ina226");
        _folder.Write($"{Chip}/curr1_input", "-1250\n");
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
        MeterFinding finding = search.Findings.First(found => found.Source.StartsWith("ina226", StringComparison.Ordinal));
        Assert.Contains("-6.25 W: the current flows from the load", finding.Reason, StringComparison.Ordinal);
        Assert.Contains("swap the two wires", finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chip_that_averages_for_long_sets_the_period()
    {
        Ina2xx("ina226");
        _folder.Write($"{Chip}/update_interval", "550\n");
        using MeterSearch search = Find();
        Assert.Equal(TimeSpan.FromMilliseconds(550), search.Best!.Identity.Period);
    }

    [Fact]
    public void An_accumulator_comes_before_the_same_chip_s_power()
    {
        Ina2xx("ina228");
        _folder.Write($"{Chip}/energy1_input", "1000000\n");
        using MeterSearch search = Find();
        IEnergyMeter meter = Assert.Single(search.Meters);
        Assert.Equal(MeterKind.Accumulating, meter.Identity.Kind);
        Assert.Equal(0, meter.Read().Joules);

        _time.Advance(TimeSpan.FromSeconds(1));
        _folder.Write($"{Chip}/energy1_input", "7250000\n");
        Assert.Equal(6.25, meter.Read().Joules!.Value, 9);
    }

    [Fact]
    public void An_accumulator_that_went_back_is_a_gap_and_one_whose_current_turned_is_too()
    {
        Ina2xx("ina228");
        _folder.Write($"{Chip}/energy1_input", "9000000\n");
        using MeterSearch search = Find();
        IEnergyMeter meter = search.Best!;
        _folder.Write($"{Chip}/energy1_input", "500000\n");
        MeterReading back = meter.Read();
        Assert.NotNull(back.AbsentReason);
        Assert.True(back.Gap);

        _folder.Write($"{Chip}/energy1_input", "1500000\n");
        Assert.Equal((1.0, false), (meter.Read().Joules!.Value, meter.Read().Gap));
        _folder.Write($"{Chip}/curr1_input", "-100\n");
        _folder.Write($"{Chip}/energy1_input", "1600000\n");
        MeterReading turned = meter.Read();
        Assert.Equal((1.0, true), (turned.Joules!.Value, turned.Gap));
        _folder.Write($"{Chip}/energy1_input", "1850000\n");
        Assert.Equal(0.75, meter.Read().Joules!.Value, 9);
    }

    [Fact]
    public void An_accumulator_that_does_not_move_is_dead()
    {
        Ina2xx("ina228");
        _folder.Write($"{Chip}/energy1_input", "9000000\n");
        using MeterSearch search = Find();
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Contains("has not moved", search.Best!.Read().AbsentReason, StringComparison.Ordinal);
    }

    [Fact]
    public void An_accumulator_under_another_number_goes_on_where_it_was()
    {
        Ina2xx("ina228");
        _folder.Write($"{Chip}/energy1_input", "1000000\n");
        using MeterSearch search = Find(new FaultySystemFiles(new KernelFiles(_folder.Path)));
        Directory.Move(_folder[Chip], _folder["sys/class/hwmon/hwmon7"]);
        _folder.Hwmon(Chip, "nvme", ("energy1_input", "77"));
        _folder.Write("sys/class/hwmon/hwmon7/energy1_input", "1500000\n");
        Assert.Equal(0.5, search.Best!.Read().Joules!.Value, 9);
    }

    [Theory]
    [InlineData("0\n", "0 W")]
    [InlineData("none\n", "'none' is no number")]
    [InlineData(null, "ENOENT")]
    public void A_chip_that_tells_no_power_is_absent_with_where_to_look(string? power, string reason)
    {
        Ina2xx("ina226");
        _folder.Write($"{Chip}/power1_input", power ?? "");
        FaultySystemFiles files = new(new KernelFiles(_folder.Path));
        if (power is null)
        {
            files.Fail($"{Chip}/power1_input", Errno.Enoent);
        }
        using MeterSearch search = Find(files);
        Assert.Empty(search.Meters);
        MeterFinding finding = Assert.Single(search.Findings, finding => finding.Source.StartsWith("ina226", StringComparison.Ordinal));
        Assert.Contains(reason, finding.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain(finding.Source, finding.Reason, StringComparison.Ordinal);
        Assert.Contains(Chip, finding.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_sensors_are_no_meters()
    {
        _folder.Hwmon(Chip, "coretemp", ("power1_input", "6250000"));
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
    }

    private void Ina2xx(string name) => _folder.Hwmon("sys/class/hwmon/hwmon2", name,
        ("in0_input", "12"), ("in1_input", "5000"), ("curr1_input", "1250"), ("power1_input", "6250000"), ("shunt_resistor", "10000"));

    private MeterSearch With(Action change)
    {
        change();
        return Find();
    }

    private MeterSearch Find(ISystemFiles? files = null) => EnergyMeters.Find(files ?? new KernelFiles(_folder.Path), time: _time);
}

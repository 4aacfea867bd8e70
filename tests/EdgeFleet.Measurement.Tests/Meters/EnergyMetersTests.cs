using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class EnergyMetersTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_machine_without_any_source_is_a_normal_state_that_names_what_was_looked_for()
    {
        using MeterSearch search = Find();
        Assert.Null(search.Best);
        Assert.Equal(["Jetson rails (INA3221)", "RAPL", "battery", "external meter"], search.Findings.Select(finding => finding.Source));
        Assert.All(search.Findings, finding => Assert.NotNull(finding.Reason));
        Assert.Contains("RAPL", search.AbsentReason, StringComparison.Ordinal);
        Assert.Contains("INA226", search.Findings[^1].Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Accumulating_comes_before_sampled_the_board_before_its_parts_measured_before_modelled_and_a_battery_last()
    {
        IEnergyMeter[] ranked =
        [
            new RankedMeter("a", MeterKind.Accumulating, MeterScope.Board, ReadingState.Measured),
            new RankedMeter("b", MeterKind.Accumulating, MeterScope.Parts, ReadingState.Measured),
            new RankedMeter("c", MeterKind.Sampled, MeterScope.Board, ReadingState.Measured),
            new RankedMeter("d", MeterKind.Sampled, MeterScope.Board, ReadingState.Modelled),
            new RankedMeter("e", MeterKind.Sampled, MeterScope.Parts, ReadingState.Measured),
            new RankedMeter("f", MeterKind.Accumulating, MeterScope.Battery, ReadingState.Measured),
            new RankedMeter("g", MeterKind.Sampled, MeterScope.Battery, ReadingState.Measured),
        ];
        Assert.Equal("abcdefg", string.Concat(MeterRanking.Rank(ranked.Reverse(), null).Select(meter => meter.Identity.Source)));
        Assert.Equal("eabcdfg", string.Concat(MeterRanking.Rank(ranked.Reverse(), "E").Select(meter => meter.Identity.Source)));
    }

    [Fact]
    public void A_ranked_list_of_real_readers_puts_the_accumulator_first()
    {
        _folder.RaplModelled("intel-rapl:0", "package-0", 5_000_000);
        _folder.Hwmon("sys/class/hwmon/hwmon2", "ina226", ("in1_input", "5000"), ("curr1_input", "1250"), ("power1_input", "6250000"), ("shunt_resistor", "10000"));
        _folder.Hwmon("sys/class/power_supply/BAT0", "x", ("type", "Battery"), ("status", "Discharging"), ("power_now", "6500000"));
        using MeterSearch search = Find();
        Assert.Equal(["rapl package-0", "ina226 hwmon input", "battery BAT0 power"], search.Meters.Select(meter => meter.Identity.Source));
        using MeterSearch preferred = Find(new EnergyMeterOptions { Prefer = "ina226" });
        Assert.Equal("ina226 hwmon input", preferred.Best!.Identity.Source);
    }

    [Fact]
    public void Another_chip_beside_a_Jetson_s_own_total_is_only_a_part()
    {
        _folder.OrinNxModelled();
        _folder.Hwmon("sys/bus/i2c/devices/7-0044/hwmon/hwmon8", "ina219", ("in1_input", "5000"), ("curr1_input", "250"), ("power1_input", "1250000"), ("shunt_resistor", "10000"));
        using MeterSearch search = Find();
        Assert.Equal([("ina3221 hwmon VDD_IN", MeterScope.Board), ("ina219 hwmon input 7-0044", MeterScope.Parts)], search.Meters.Select(meter => (meter.Identity.Source, meter.Identity.Scope)));
    }

    [Fact]
    public void A_carrier_s_chip_is_not_the_board_where_the_board_s_own_rule_fails()
    {
        _folder.AgxOrinModelled();
        _folder.Write("sys/bus/i2c/devices/1-0041/hwmon/hwmon4/in2_label", "NC\n");
        _folder.Hwmon("sys/bus/i2c/devices/2-0044/hwmon/hwmon8", "ina219", ("in1_input", "12000"), ("curr1_input", "250"), ("power1_input", "3000000"), ("shunt_resistor", "2000"));
        using MeterSearch search = Find();
        Assert.Equal(("ina219 hwmon input 2-0044", MeterScope.Parts), (search.Best!.Identity.Source, search.Best.Identity.Scope));
    }

    [Fact]
    public void Of_two_chips_that_nobody_explains_neither_is_the_board()
    {
        _folder.Hwmon("sys/class/hwmon/hwmon1", "ina226", ("in1_input", "5000"), ("curr1_input", "1250"), ("power1_input", "6250000"));
        _folder.Hwmon("sys/class/hwmon/hwmon2", "ina219", ("in1_input", "12000"), ("curr1_input", "250"), ("power1_input", "3000000"));
        using MeterSearch search = Find();
        Assert.Equal([MeterScope.Parts, MeterScope.Parts], search.Meters.Select(meter => meter.Identity.Scope));
    }

    private MeterSearch Find(EnergyMeterOptions? options = null) => EnergyMeters.Find(new KernelFiles(_folder.Path), options, new ManualTimeProvider());

    private sealed class RankedMeter(string source, MeterKind kind, MeterScope scope, ReadingState state) : IEnergyMeter
    {
        public MeterIdentity Identity { get; } = new() { Source = source, Chip = "", Rails = [], Kind = kind, Scope = scope, State = state };

        public MeterReading Read(bool parts = true) => throw new InvalidOperationException("ranking reads nothing");

        public void Dispose() => GC.SuppressFinalize(this);
    }
}

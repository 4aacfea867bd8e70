using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Meters;
using EdgeFleet.Measurement.Meters.Recording;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class BatteryMeterTests : IDisposable
{
    private const string Supply = "sys/class/power_supply/BAT0";
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("6500000"), InlineData("-6500000")]
    public void Power_is_taken_without_its_sign_while_it_discharges(string power)
    {
        Battery(("power_now", power), ("current_now", "1"), ("voltage_now", "7400000"));
        using MeterSearch search = Find();
        Assert.Equal(6.5, search.Best!.Read().Watts!.Value, 9);
        Assert.Equal((MeterScope.Battery, TimeSpan.FromSeconds(60)), (search.Best.Identity.Scope, search.Best.Identity.ShortestWindow));
    }

    [Fact]
    public void Without_power_it_is_current_times_voltage()
    {
        Battery(("current_now", "-1000000"), ("voltage_now", "7400000"));
        using MeterSearch search = Find();
        Assert.Equal(7.4, search.Best!.Read().Watts!.Value, 9);
        Assert.Equal(ReadingState.Measured, search.Best.Identity.State);
    }

    [Theory, InlineData("Charging"), InlineData("Full"), InlineData("Not charging"), InlineData("Unknown"), InlineData("")]
    public void What_a_battery_does_not_give_is_not_what_the_device_draws(string status)
    {
        Battery(("power_now", "6500000"));
        using MeterSearch search = Find();
        _folder.Write($"{Supply}/status", status);
        MeterReading reading = search.Best!.Read();
        Assert.Null(reading.Watts);
        Assert.Contains("status", reading.AbsentReason, StringComparison.Ordinal);
        using MeterSearch again = Find();
        Assert.Empty(again.Meters);
    }

    [Fact]
    public void Energy_that_is_left_is_an_accumulator_that_falls()
    {
        Battery(("energy_now", "30000000"));
        using MeterSearch search = Find();
        IEnergyMeter meter = search.Best!;
        meter.Read();
        _folder.Write($"{Supply}/energy_now", "29990000\n"); // 10 mWh
        Assert.Equal(36, meter.Read().Joules!.Value, 9);
        Assert.Equal((MeterKind.Accumulating, ReadingState.Measured), (meter.Identity.Kind, meter.Identity.State));
        _folder.Write($"{Supply}/energy_now", "30500000\n");
        Assert.Equal((true, 36.0), (meter.Read().Gap, Math.Round(meter.Read().Joules!.Value, 9)));
    }

    [Fact]
    public void A_gauge_that_drops_to_nothing_at_once_was_set_anew()
    {
        Battery(("energy_now", "900000000"));
        using MeterSearch search = Find();
        search.Best!.Read();
        _folder.Write($"{Supply}/energy_now", "1000000\n");
        MeterReading reading = search.Best.Read();
        Assert.Equal((true, 0.0), (reading.Gap, reading.Joules!.Value));
    }

    [Fact]
    public void Charge_times_voltage_is_a_model()
    {
        Battery(("charge_now", "4000000"), ("voltage_now", "3700000"));
        using MeterSearch search = Find();
        IEnergyMeter meter = search.Best!;
        meter.Read();
        _folder.Write($"{Supply}/charge_now", "3999000\n");
        Assert.Equal(3.6 * 3.7, meter.Read().Joules!.Value, 9);
        Assert.Equal(ReadingState.Modelled, meter.Identity.State);
    }

    [Fact]
    public void Charging_in_between_is_a_gap()
    {
        Battery(("energy_now", "30000000"));
        using MeterSearch search = Find();
        IEnergyMeter meter = search.Best!;
        meter.Read();
        _folder.Write($"{Supply}/status", "Charging\n");
        Assert.True(meter.Read().Gap);
        Assert.False(meter.Read().Gap);
        _folder.Write($"{Supply}/status", "Discharging\n");
        _folder.Write($"{Supply}/energy_now", "10000000\n");
        Assert.Equal(0, meter.Read().Joules);
    }

    [Fact]
    public void A_mouse_s_battery_a_charger_and_a_port_are_none()
    {
        _folder.Hwmon("sys/class/power_supply/hid-mouse", "x", ("type", "Battery"), ("scope", "Device"), ("status", "Discharging"), ("power_now", "100000"));
        _folder.Hwmon("sys/class/power_supply/AC", "x", ("type", "Mains"), ("online", "1"));
        _folder.Hwmon("sys/class/power_supply/ucsi-source-psy-1-0008", "x", ("type", "USB"), ("voltage_now", "20000000"), ("current_now", "3000000"));
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
        Assert.Contains(search.Findings, finding => finding.Source == "battery" && !finding.Found);
    }

    [Fact]
    public void A_level_alone_is_no_meter()
    {
        Battery(("capacity", "80"));
        using MeterSearch search = Find();
        Assert.Empty(search.Meters);
    }

    [Fact]
    public void Every_errno_is_absent()
    {
        foreach (Errno error in Enum.GetValues<Errno>().Where(error => error != Errno.None))
        {
            foreach (string file in (string[])["power_now", "status"])
            {
                Battery(("power_now", "6500000"));
                FaultySystemFiles files = new(new KernelFiles(_folder.Path));
                using MeterSearch search = Find(files);
                files.Fail($"/{Supply}/{file}", error);
                Assert.Null(search.Best!.Read().Watts);
                Assert.NotNull(search.Best.Read().AbsentReason);
            }
        }
    }

    [Fact]
    public void A_window_of_less_than_a_minute_says_nothing()
    {
        Battery(("power_now", "6500000"));
        using MeterSearch search = Find();
        EnergySample[] samples = [.. Enumerable.Range(0, 121).Select(i => new EnergySample(i * 1000, 0, 6.5))];
        WindowEnergy brief = EnergyIntegrator.Integrate(samples, search.Best!.Identity, 1000, 60_000, 1000);
        Assert.Equal(ReadingState.Absent, brief.State);
        Assert.Contains("60 s", brief.Reason, StringComparison.Ordinal);
        Assert.Equal(6.5 * 60, EnergyIntegrator.Integrate(samples, search.Best.Identity, 1000, 61_000, 1000).Joules!.Value, 6);
    }

    private void Battery(params (string, string)[] files) =>
        _folder.Hwmon(Supply, "x", [("type", "Battery"), ("status", "Discharging"), .. files]);

    private MeterSearch Find(ISystemFiles? files = null) => EnergyMeters.Find(files ?? new KernelFiles(_folder.Path), time: _time);
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Measurement.Tests.Conditions;

public sealed class MeasurementGateTests
{
    /// <summary>A device on which nothing stands against a measurement.</summary>
    private static readonly GateFacts s_fit = new()
    {
        Batteries = [new Battery("BAT0", 30, "Discharging")],
        Zones = [new ThermalZone("cpu-thermal", 60_000, null, 70_000), new ThermalZone("gpu-thermal", null, "off", 95_000)],
        OthersPerCore = Reading.Measured(0.2, "share of a core", "test"),
        AvailableMemory = Reading.Measured(1150, "bytes", "test"),
        FreeDisk = Reading.Measured(5000, "bytes", "test"),
        SinceLastRun = TimeSpan.FromSeconds(5),
        IdleMilliCelsius = 57_000,
    };

    private static readonly GateLimits s_limits = new() { NeededMemoryBytes = 1000, NeededDiskBytes = 5000 };

    [Fact]
    public void A_device_exactly_at_every_limit_is_measured()
    {
        GateDecision decision = MeasurementGate.Judge(s_fit, s_limits);

        Assert.True(decision.MayMeasure);
        Assert.Empty(decision.Refusals);
        Assert.Empty(decision.Unchecked);
    }

    public static TheoryData<string, bool, string> Refusals => new()
    {
        { GateRefusal.BatteryLow, false, "battery BAT0 at 29 % and discharging; 30 % are asked for" },
        { GateRefusal.NearTrip, true, "zone cpu-thermal is at 60.0 °C, 9.9 °C below its trip; 10.0 °C are asked for" },
        { GateRefusal.OthersBusy, true, "other processes take 0.21 of each core; 0.20 are allowed" },
        { GateRefusal.MemoryLow, false, "memory: 0.0 MiB are available, too little for 0.0 MiB and 15 % (0.0 MiB)" },
        { GateRefusal.MemoryUnknown, false, "memory: how much memory is available is not known: no MemAvailable" },
        { GateRefusal.DiskLow, false, "0.0 MiB are free on the disk; 0.0 MiB are asked for" },
        { GateRefusal.CoolingDown, true, "the last measurement ended 5 s ago and the hottest zone is at 60.0 °C, 3.1 °C above idle; 3.0 °C are allowed" },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void One_step_beyond_one_limit_is_refused_for_that_reason_alone(string code, bool passes, string sentence)
    {
        GateFacts facts = code switch
        {
            GateRefusal.BatteryLow => s_fit with { Batteries = [new Battery("BAT0", 29, "Discharging")] },
            GateRefusal.NearTrip => s_fit with { Zones = [new ThermalZone("cpu-thermal", 60_000, null, 69_900)] },
            GateRefusal.OthersBusy => s_fit with { OthersPerCore = Reading.Measured(0.21, "share of a core", "test") },
            GateRefusal.MemoryLow => s_fit with { AvailableMemory = Reading.Measured(1149, "bytes", "test") },
            GateRefusal.MemoryUnknown => s_fit with { AvailableMemory = Reading.Absent("no MemAvailable") },
            GateRefusal.DiskLow => s_fit with { FreeDisk = Reading.Measured(4999, "bytes", "test") },
            GateRefusal.CoolingDown => s_fit with { IdleMilliCelsius = 56_900 },
            _ => throw new ArgumentOutOfRangeException(nameof(code)),
        };

        Assert.Equal([new GateRefusal(code, sentence, passes)], MeasurementGate.Judge(facts, s_limits).Refusals);
    }

    [Theory, InlineData("Charging"), InlineData("Full"), InlineData("Not charging"), InlineData(null)]
    public void An_empty_battery_that_does_not_discharge_is_no_reason(string? status) =>
        Assert.True(MeasurementGate.Judge(s_fit with { Batteries = [new Battery("BAT0", 3, status)] }, s_limits).MayMeasure);

    [Fact]
    public void A_device_that_does_not_cool_in_two_minutes_is_measured_as_warm_as_it_is() =>
        Assert.True(MeasurementGate.Judge(s_fit with { IdleMilliCelsius = 20_000, SinceLastRun = TimeSpan.FromSeconds(120) }, s_limits).MayMeasure);

    [Fact]
    public void The_first_measurement_of_all_has_nothing_to_cool_down_from() =>
        Assert.True(MeasurementGate.Judge(s_fit with { IdleMilliCelsius = 20_000, SinceLastRun = null }, s_limits).MayMeasure);

    [Fact]
    public void Without_a_thermometer_the_whole_cool_down_is_waited()
    {
        GateFacts facts = s_fit with { Zones = [] };

        Assert.Equal([GateRefusal.CoolingDown], MeasurementGate.Judge(facts, s_limits).Refusals.Select(refusal => refusal.Code));
        Assert.True(MeasurementGate.Judge(facts with { SinceLastRun = TimeSpan.FromSeconds(121) }, s_limits).MayMeasure);
    }

    [Fact]
    public void What_could_not_be_checked_is_named_in_the_record()
    {
        GateFacts facts = s_fit with
        {
            Batteries = [new Battery("BAT0", null, "Discharging")],
            Zones = [new ThermalZone("cpu-thermal", 60_000, null, null)],
            OthersPerCore = Reading.Absent("/proc/stat: Permission denied (EACCES)"),
            FreeDisk = Reading.Absent("no statvfs"),
        };

        Assert.Equal(
            [
                "battery: BAT0 discharges and does not say how full it is",
                "temperature: no thermal zone tells both its temperature and a passive trip",
                "load: /proc/stat: Permission denied (EACCES)",
                "disk: no statvfs",
            ],
            MeasurementGate.Judge(facts, s_limits).Unchecked);
    }

    [Fact]
    public void Where_the_device_goes_on_serving_its_load_is_not_judged()
    {
        GateFacts busy = s_fit with { OthersPerCore = Reading.Measured(0.9, "share of a core", "test") };

        Assert.True(MeasurementGate.Judge(busy, s_limits with { OthersPerCore = null }).MayMeasure);
    }

    [Fact]
    public void Every_reason_is_given_and_not_only_the_first()
    {
        GateFacts facts = s_fit with
        {
            Batteries = [new Battery("BAT0", 3, "Discharging")],
            OthersPerCore = Reading.Measured(0.9, "share of a core", "test"),
            AvailableMemory = Reading.Measured(1, "bytes", "test"),
        };

        Assert.Equal(
            [GateRefusal.BatteryLow, GateRefusal.OthersBusy, GateRefusal.MemoryLow],
            MeasurementGate.Judge(facts, s_limits).Refusals.Select(refusal => refusal.Code));
    }
}

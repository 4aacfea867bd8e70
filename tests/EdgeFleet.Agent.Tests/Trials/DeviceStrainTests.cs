using EdgeFleet.Agent.Trials;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Testing;

namespace EdgeFleet.Agent.Tests.Trials;

public sealed class DeviceStrainTests : IDisposable
{
    private readonly TemporaryFolder _root = new();
    private readonly DeviceStrain _strain;

    public DeviceStrainTests() => _strain = new DeviceStrain(new KernelFiles(_root.Path));

    public void Dispose() => _root.Dispose();

    [Fact]
    public void What_cannot_be_read_is_no_reason_to_rest() => Assert.Null(_strain.Read());

    [Fact]
    public void A_shadow_rests_five_degrees_below_throttling_and_goes_on_eight_below()
    {
        _root.Write("sys/class/thermal/thermal_zone0/trip_point_0_type", "passive\n");
        _root.Write("sys/class/thermal/thermal_zone0/trip_point_0_temp", "85000\n");
        Assert.Equal([null, DropReasons.Heat, DropReasons.Heat, null, null], new[] { 80_000, 80_001, 77_001, 77_000, 80_000 }.Select(celsius =>
        {
            _root.Write("sys/class/thermal/thermal_zone0/temp", $"{celsius}\n");
            return _strain.Read();
        }));
    }

    [Fact]
    public void A_shadow_rests_below_fifteen_percent_of_free_memory_and_goes_on_at_twenty() =>
        Assert.Equal([null, DropReasons.Memory, DropReasons.Memory, null, null], new[] { 150, 149, 199, 200, 150 }.Select(free =>
        {
            _root.Write("proc/meminfo", $"MemTotal: 1000 kB\nMemAvailable: {free} kB\n");
            return _strain.Read();
        }));

    [Fact]
    public void A_shadow_rests_on_a_low_battery_and_goes_on_when_it_is_charged()
    {
        _root.Write("sys/class/power_supply/bat/type", "Battery\n");
        Assert.Equal([null, DropReasons.Battery, DropReasons.Battery, null, null, DropReasons.Battery, null], new[]
        {
            (30, "Discharging"), (29, "Discharging"), (34, "Discharging"), (35, "Discharging"), (10, "Charging"), (10, "Discharging"), (10, "Charging"),
        }.Select(battery =>
        {
            _root.Write("sys/class/power_supply/bat/capacity", $"{battery.Item1}\n");
            _root.Write("sys/class/power_supply/bat/status", $"{battery.Item2}\n");
            return _strain.Read();
        }));
    }

    [Fact]
    public void What_a_resting_shadow_missed_is_computed_from_what_was_served()
    {
        RestLedger ledger = new(everyNth: 20);
        DateTimeOffset since = DateTimeOffset.UnixEpoch;
        ledger.Begin((since, new LogLatency(100, 0, 0)));
        Assert.Equal([1, 0, 1, 0, 0, 2], new (DateTimeOffset, LogLatency)?[]
        {
            (since, new LogLatency(130, 0, 0)),
            (since, new LogLatency(139, 0, 0)),
            (since, new LogLatency(140, 0, 0)),
            null, // the runner is away
            (since.AddHours(1), new LogLatency(5, 0, 0)), // another digest serves, and counts anew
            (since.AddHours(1), new LogLatency(45, 0, 0)),
        }.Select(ledger.Missed));
    }
}

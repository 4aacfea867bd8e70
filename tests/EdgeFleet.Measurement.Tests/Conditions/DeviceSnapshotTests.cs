using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Conditions;

public sealed class DeviceSnapshotTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;
    private readonly ManualTimeProvider _time = new();

    public DeviceSnapshotTests()
    {
        _files = new FaultySystemFiles(new KernelFiles(_folder.Path));
        ModelledDevices.OrinNx(_folder);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_jetson_tells_its_mode_by_name_and_its_clocks_in_their_units()
    {
        DeviceSnapshot snapshot = Take();

        Assert.Equal(new PowerMode(2, "MAXN_SUPER"), snapshot.PowerMode);
        Assert.Equal("MAXN_SUPER (mode 2)", snapshot.PowerMode!.ToString());
        Assert.Equal([new CpuClock(0, 1984000, 1984000, "schedutil", 729600, 1984000, 1984000)], snapshot.Cpus);
        Assert.Equal([new GpuClock("17000000.gpu", 1020000000, 306000000, 1020000000, "nvhost_podgov")], snapshot.Gpus);
        Assert.Equal(3199000000, snapshot.MemoryClockHertz);
        Assert.Equal(_time.GetTimestamp(), snapshot.Timestamp);
    }

    [Fact]
    public void A_gpu_that_is_named_by_its_node_only_is_found()
    {
        _folder.Write("sys/class/devfreq/1c40000.unit/device/of_node/name", "gpu\0");
        _folder.Write("sys/class/devfreq/1c40000.unit/cur_freq", "432000000\n");

        Assert.Equal(["17000000.gpu", "1c40000.unit"], Take().Gpus.Select(gpu => gpu.Name));
    }

    [Theory]
    [InlineData("pmode:0009", 9, null)]
    [InlineData("pmode:0000 fmode:quiet", null, null)]
    [InlineData("", null, null)]
    public void A_mode_that_the_catalogue_does_not_have_keeps_its_number_and_a_status_of_another_form_is_none(string status, int? id, string? name)
    {
        _folder.Write("var/lib/nvpmodel/status", status);

        Assert.Equal((id, name), (Take().PowerMode?.Id, Take().PowerMode?.Name));
    }

    [Fact]
    public void Zones_that_are_off_or_no_thermometers_have_no_temperature()
    {
        _files.Fail("/sys/class/thermal/thermal_zone3/temp", Errno.Eagain);

        IReadOnlyList<ThermalZone> zones = Take().Zones;

        Assert.Equal(["cpu-thermal", "cv0-thermal", "tj-thermal"], zones.Select(zone => zone.Name));
        Assert.Equal((48250L, 99000L, 50750L), (zones[0].MilliCelsius, zones[0].TripMilliCelsius, zones[0].DistanceMilliCelsius));
        Assert.Null(zones[1].MilliCelsius);
        Assert.Contains("powered off", zones[1].Reason, StringComparison.Ordinal);
        Assert.Contains("EAGAIN", zones[2].Reason, StringComparison.Ordinal);
        // Its only trip starts a fan: nothing is slowed there.
        Assert.Null(zones[2].TripMilliCelsius);
        Assert.Equal(48250, Take().HottestMilliCelsius);
    }

    [Fact]
    public void A_pmic_that_moves_is_a_thermometer()
    {
        _folder.Write("sys/class/thermal/thermal_zone2/temp", "61000\n");

        Assert.Contains(Take().Zones, zone => zone is { Name: "PMIC-Die", MilliCelsius: 61000 });
    }

    [Fact]
    public void The_lowest_of_several_passive_trips_counts_and_one_that_is_not_set_does_not()
    {
        ModelledDevices.Zone(_folder, 4, "gpu-thermal", "40000", ("passive", "0"), ("passive", "99000"), ("passive", "95000"), ("critical", "70000"));

        Assert.Equal(95000, Take().Zones[^1].TripMilliCelsius);
    }

    [Fact]
    public void A_core_that_is_off_line_has_no_clock()
    {
        ModelledDevices.Cpu(_folder, 1, "0", "<unknown>");

        CpuClock clock = Take().Cpus[1];
        Assert.Equal((1, null, null, false), (clock.Cpu, clock.Requested, clock.Actual, clock.IsHeldBack));
    }

    [Fact]
    public void A_machine_that_tells_nothing_gives_an_empty_snapshot()
    {
        using TemporaryFolder empty = new();
        DeviceSnapshot snapshot = DeviceSnapshot.Take(new KernelFiles(empty.Path), _time);

        Assert.Empty(snapshot.Signs);
        Assert.Empty(snapshot.Zones);
        Assert.Empty(snapshot.Cpus);
        Assert.Null(snapshot.PowerMode);
        Assert.Null(snapshot.MemoryClockHertz);
        Assert.Null(snapshot.HottestMilliCelsius);
    }

    private DeviceSnapshot Take() => DeviceSnapshot.Take(_files, _time);
}

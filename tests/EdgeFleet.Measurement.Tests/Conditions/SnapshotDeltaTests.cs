using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Files;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Measurement.Tests.Conditions;

public sealed class SnapshotDeltaTests : IDisposable
{
    private const string Oc3 = "sys/class/hwmon/hwmon3/oc3_event_cnt";
    private const string Pi = "sys/devices/platform/soc/soc:firmware/get_throttled";
    private readonly TemporaryFolder _folder = new();
    private readonly FaultySystemFiles _files;

    public SnapshotDeltaTests() => _files = new FaultySystemFiles(new KernelFiles(_folder.Path));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_event_count_that_stands_high_but_still_is_no_throttling()
    {
        ModelledDevices.OrinNx(_folder);

        SnapshotDelta delta = SnapshotDelta.Between(Take(), Take());

        Assert.Equal(Throttled.No, delta.Throttled);
        Assert.Empty(delta.Causes);
        Assert.Empty(delta.Unwatched);
        Assert.Equal((49500L, 50750L, false), (delta.HottestMilliCelsius, delta.TripDistanceMilliCelsius, delta.PowerModeChanged));
    }

    [Fact]
    public void Events_in_the_window_are_counted_and_named_also_when_hwmon_was_renumbered()
    {
        ModelledDevices.OrinNx(_folder);
        DeviceSnapshot begin = Take();
        Directory.Move(_folder["sys/class/hwmon/hwmon3"], _folder["sys/class/hwmon/hwmon0"]);
        _folder.Write("sys/class/hwmon/hwmon0/oc3_event_cnt", "27398\n");

        SnapshotDelta delta = SnapshotDelta.Between(begin, Take());

        Assert.Equal(Throttled.Yes, delta.Throttled);
        Assert.Equal([new ThrottleCause("soctherm_oc oc3", "the current was too high for a moment (OC3)", 8)], delta.Causes);
        Assert.Equal("the current was too high for a moment (OC3), 8 times [soctherm_oc oc3]", delta.Causes[0].ToString());
    }

    [Fact]
    public void A_count_that_goes_back_is_no_event_and_said()
    {
        ModelledDevices.OrinNx(_folder);
        DeviceSnapshot begin = Take();
        _folder.Write(Oc3, "3\n");

        SnapshotDelta delta = SnapshotDelta.Between(begin, Take());

        Assert.Equal(Throttled.No, delta.Throttled);
        Assert.Contains("soctherm_oc oc3: it went back from 27390 to 3", delta.Unwatched);
    }

    [Theory, InlineData(Errno.Eio), InlineData(Errno.Etimedout), InlineData(Errno.Enodev), InlineData(Errno.Eacces)]
    public void A_count_that_cannot_be_read_at_one_edge_is_named_and_never_taken_for_none(Errno error)
    {
        _folder.Write("sys/class/hwmon/hwmon3/name", "soctherm_oc\n");
        _folder.Write(Oc3, "27390\n");
        DeviceSnapshot begin = Take();
        _files.Fail("/" + Oc3, error);

        SnapshotDelta delta = SnapshotDelta.Between(begin, Take());

        Assert.Equal(Throttled.Unknown, delta.Throttled);
        Assert.Contains(error.ToString().ToUpperInvariant(), Assert.Single(delta.Unwatched), StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_that_tells_nothing_is_unknown() =>
        Assert.Equal(Throttled.Unknown, SnapshotDelta.Between(Take(), Take()).Throttled);

    [Theory]
    [InlineData("cpufreq-cpu0", 1, Throttled.Yes)]
    [InlineData("devfreq-17000000.gpu", 2, Throttled.Yes)]
    [InlineData("pwm-fan", 0, Throttled.No)]
    public void A_cooler_that_slows_something_is_throttling_and_a_fan_is_not(string type, int number, Throttled expected)
    {
        ModelledDevices.OrinNx(_folder);
        DeviceSnapshot begin = Take();
        ModelledDevices.Cooler(_folder, number, type, "3");

        Assert.Equal(expected, SnapshotDelta.Between(begin, Take()).Throttled);
        Assert.Equal(expected, SnapshotDelta.Between(Take(), begin).Throttled);
    }

    [Theory]
    [InlineData("1984000", "1884900", Throttled.No)]
    [InlineData("1984000", "1884700", Throttled.Yes)]
    [InlineData("2601000", "649000", Throttled.Yes)]
    [InlineData("649000", "1984000", Throttled.No)]
    public void A_core_that_runs_five_per_cent_slower_than_asked_is_throttled(string requested, string actual, Throttled expected)
    {
        ModelledDevices.OrinNx(_folder);
        DeviceSnapshot begin = Take();
        ModelledDevices.Cpu(_folder, 0, requested, actual);

        Assert.Equal(expected, SnapshotDelta.Between(begin, Take()).Throttled);
    }

    [Fact]
    public void A_governor_that_lowers_the_clock_while_it_is_looked_at_holds_nothing_back()
    {
        ModelledDevices.OrinNx(_folder);
        ModelledDevices.Cpu(_folder, 0, "1984000", "729600");
        _files.Answer("/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", read => read % 2 == 0 ? "1984000" : "729600");

        Assert.Equal(Throttled.No, SnapshotDelta.Between(Take(), Take()).Throttled);
    }

    [Theory]
    // Nothing, nothing.
    [InlineData("0", "0", Throttled.No, 0)]
    // Set long ago: still set, but not in this window; four signs that could not tell.
    [InlineData("50000", "50000", Throttled.No, 0)]
    // vcgencmd's own wording; under-voltage happened in the window and is over.
    [InlineData("0", "throttled=0x10000", Throttled.Yes, 1)]
    // Under-voltage and throttling are there at the end: now, and since start.
    [InlineData("0", "50005", Throttled.Yes, 4)]
    // The soft limit held at the beginning only; its sticky bit was set before.
    [InlineData("80008", "80000", Throttled.Yes, 1)]
    public void The_firmware_s_sticky_bits_count_when_they_become_set(string first, string last, Throttled expected, int causes)
    {
        ModelledDevices.RaspberryPi4(_folder, first);
        DeviceSnapshot begin = Take();
        _folder.Write(Pi, last + "\n");

        SnapshotDelta delta = SnapshotDelta.Between(begin, Take());

        Assert.Equal((expected, causes), (delta.Throttled, delta.Causes.Count));
    }

    [Fact]
    public void A_sticky_bit_that_was_set_before_is_said_to_see_nothing_new()
    {
        ModelledDevices.RaspberryPi4(_folder, "50000");

        SnapshotDelta delta = SnapshotDelta.Between(Take(), Take());

        Assert.Equal(["get_throttled under-voltage since start: it was set before, so a short event in the window would not show", "get_throttled throttling since start: it was set before, so a short event in the window would not show"], delta.Unwatched);
    }

    [Fact]
    public void Text_where_a_number_should_be_is_a_reason_and_no_number()
    {
        ModelledDevices.RaspberryPi4(_folder, "error=1");

        SnapshotDelta delta = SnapshotDelta.Between(Take(), Take());

        Assert.Contains(delta.Unwatched, line => line.EndsWith("holds no number: 'error=1'", StringComparison.Ordinal));
        // What the kernel's own driver watches remains.
        Assert.Equal(Throttled.No, delta.Throttled);
    }

    [Fact]
    public void The_kernel_s_alarm_of_the_supply_is_throttling()
    {
        ModelledDevices.RaspberryPi4(_folder, "0");
        DeviceSnapshot begin = Take();
        _folder.Write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n");

        Assert.Equal("the supply fell below 4.63 V [rpi_volt in0_lcrit_alarm]", Assert.Single(SnapshotDelta.Between(begin, Take()).Causes).ToString());
    }

    [Fact]
    public void An_x86_core_s_own_counts_are_read()
    {
        _folder.Write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "11\n");
        _folder.Write("sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count", "5\n");
        _folder.Write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_total_time_ms", "900\n");
        DeviceSnapshot begin = Take();
        _folder.Write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "14\n");
        _folder.Write("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_total_time_ms", "950\n");

        Assert.Equal([new ThrottleCause("cpu0 core_throttle_count", "cpu0 was slowed for its temperature", 3)], SnapshotDelta.Between(begin, Take()).Causes);
    }

    [Fact]
    public void A_sign_that_comes_or_goes_in_the_window_is_named()
    {
        DeviceSnapshot nothing = Take();
        ModelledDevices.RaspberryPi4(_folder, "0");

        Assert.Contains("rpi_volt in0_lcrit_alarm: it was not there at the beginning", SnapshotDelta.Between(nothing, Take()).Unwatched);
        Assert.Contains("rpi_volt in0_lcrit_alarm: it was gone at the end", SnapshotDelta.Between(Take(), nothing).Unwatched);
        Assert.Equal(Throttled.Unknown, SnapshotDelta.Between(Take(), nothing).Throttled);
    }

    [Fact]
    public void A_power_mode_that_was_changed_in_the_window_is_said()
    {
        ModelledDevices.OrinNx(_folder);
        DeviceSnapshot begin = Take();
        _folder.Write("var/lib/nvpmodel/status", "pmode:0000\n");

        Assert.True(SnapshotDelta.Between(begin, Take()).PowerModeChanged);
    }

    [Fact]
    public void A_board_whose_firmware_is_asked_needs_no_file_and_is_asked_before_one()
    {
        ModelledDevices.RaspberryPi4(_folder, "0");
        DeviceSnapshot begin = DeviceSnapshot.Take(_files, new ManualTimeProvider(), new ScriptedFirmware("throttled=0x0\n"));
        DeviceSnapshot end = DeviceSnapshot.Take(_files, new ManualTimeProvider(), new ScriptedFirmware("throttled=0x20002"));

        Assert.Equal(["the firmware capped the processor's clock [get_throttled frequency cap]", "the firmware capped the processor's clock [get_throttled frequency cap since start]"],
            SnapshotDelta.Between(begin, end).Causes.Select(cause => cause.ToString()));
    }

    [Theory, InlineData(Errno.Enoent), InlineData(Errno.Enotty), InlineData(Errno.Eacces), InlineData(Errno.Eio)]
    public void Where_the_firmware_does_not_answer_the_file_is_read(Errno error)
    {
        _folder.Write(Pi, "50005\n");
        DeviceSnapshot snapshot = DeviceSnapshot.Take(_files, new ManualTimeProvider(), new ScriptedFirmware(error));

        Assert.Equal(Throttled.Yes, SnapshotDelta.Between(snapshot, snapshot).Throttled);
    }

    [Theory, InlineData(Errno.Enoent, 0), InlineData(Errno.Enotty, 0), InlineData(Errno.Eacces, 8), InlineData(Errno.Eio, 8)]
    public void Without_a_file_a_firmware_that_may_not_be_asked_is_said_and_one_that_is_not_there_is_not(Errno error, int signs)
    {
        DeviceSnapshot snapshot = DeviceSnapshot.Take(_files, new ManualTimeProvider(), new ScriptedFirmware(error));

        SnapshotDelta delta = SnapshotDelta.Between(snapshot, snapshot);

        Assert.Equal((Throttled.Unknown, signs), (delta.Throttled, delta.Unwatched.Count));
        Assert.All(delta.Unwatched, line => Assert.Contains("group video", line, StringComparison.Ordinal));
    }

    private DeviceSnapshot Take() => DeviceSnapshot.Take(_files, new ManualTimeProvider());
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Benchmarks;
using EdgeFleet.Measurement.Tests.Conditions;
using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Benchmarks;

public sealed class DeviceWatchTests : IDisposable
{
    private const string Oc3 = "sys/class/hwmon/hwmon3/oc3_event_cnt";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_block_in_which_the_device_was_slowed_does_not_count_and_the_next_one_does()
    {
        ModelledDevices.OrinNx(_folder);
        using DeviceWatch watch = Watch(new ScriptedFirmware(Errno.Enoent));
        watch.Begin();
        Assert.Empty(watch.End());

        watch.Begin();
        _folder.Write(Oc3, "27399\n");
        Assert.Contains("throttled", Assert.Single(watch.End()), StringComparison.Ordinal);

        watch.Begin();
        Assert.Empty(watch.End());
        // Of the whole benchmark it is said all the same.
        Assert.Equal("yes", watch.Describe(new EnvironmentEvidence()).Throttled);
    }

    [Fact]
    public void A_Raspberry_Pi_is_asked_by_its_firmware()
    {
        using DeviceWatch watch = Watch(new ScriptedFirmware("throttled=0x0", "throttled=0x0", "throttled=0x20002"));
        watch.Begin();
        Assert.NotEmpty(watch.End());
        Assert.Equal("yes", watch.Describe(new EnvironmentEvidence()).Throttled);
    }

    [Fact]
    public void A_power_mode_that_is_changed_in_a_block_ends_it()
    {
        ModelledDevices.OrinNx(_folder);
        using DeviceWatch watch = Watch(new ScriptedFirmware(Errno.Enoent));
        watch.Begin();
        _folder.Write("var/lib/nvpmodel/status", "pmode:0000\n");
        Assert.Equal(["the power mode changed"], watch.End());
    }

    [Fact]
    public void A_device_that_tells_nothing_is_unknown_and_what_could_not_tell_is_named()
    {
        using DeviceWatch watch = Watch(new ScriptedFirmware(Errno.Eacces));
        watch.Begin();
        Assert.Empty(watch.End());
        EnvironmentEvidence said = watch.Describe(new EnvironmentEvidence { Unwatched = ["load: not looked at"] });
        Assert.Equal("unknown", said.Throttled);
        Assert.Equal("load: not looked at", said.Unwatched[0]);
        Assert.Contains(said.Unwatched, line => line.Contains("group video", StringComparison.Ordinal));
    }

    [Fact]
    public void The_clock_is_that_of_what_the_provider_runs_on()
    {
        ModelledDevices.OrinNx(_folder);
        _folder.Write("sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "729600\n");
        using DeviceWatch processor = Watch(new ScriptedFirmware(Errno.Enoent));
        Assert.Equal(729_600_000, processor.Hertz(1));
        Assert.Null(processor.Hertz(99));
        using DeviceWatch gpu = Watch(new ScriptedFirmware(Errno.Enoent), "CUDAExecutionProvider");
        Assert.Equal(1_020_000_000, gpu.Hertz(1));
    }

    private DeviceWatch Watch(ScriptedFirmware firmware, string provider = "CPUExecutionProvider") => new(new KernelFiles(_folder.Path), provider, firmware);
}

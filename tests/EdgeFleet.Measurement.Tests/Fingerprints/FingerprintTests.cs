using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Fingerprints;
using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests.Fingerprints;

public sealed class FingerprintTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_board_is_told_by_what_its_kernel_says()
    {
        _folder.Write("root/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 62.50\nCPU implementer\t: 0x41\nCPU part\t: 0xd42\n");
        _folder.Write("root/sys/devices/system/cpu/online", "0-5\n");
        _folder.Write("root/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "schedutil\n");
        _folder.Write("root/proc/loadavg", "0.52 0.58 0.59 1/467 1234\n");

        IReadOnlyDictionary<string, string> facts = Read();

        Assert.Equal("arm implementer 0x41 part 0xd42", facts["cpuModel"]);
        Assert.Equal(("0-5", "schedutil", "0.52"), (facts["cpusOnline"], facts["governor"], facts["loadAverage"]));
    }

    [Fact]
    public void What_the_device_does_not_tell_is_absent()
    {
        IReadOnlyDictionary<string, string> facts = Read();
        Assert.Equal(("absent", "absent", "absent", "absent"), (facts["cpuModel"], facts["governor"], facts["kernel"], facts["hardwareClass"]));
    }

    [Fact]
    public void Only_what_moves_a_figure_by_itself_keeps_two_from_being_compared_and_it_is_named()
    {
        Dictionary<string, string> before = new(Read());
        Dictionary<string, string> after = new(before) { ["seed"] = "9", ["loadAverage"] = "3.1", ["candidateSha256"] = "00", ["tool"] = "edgefleet 9" };
        Assert.Empty(FingerprintComparison.Differences(before, after));

        after["governor"] = "performance";
        after["condition"] = "live";
        after["meter"] = "ina3221 hwmon VDD_IN";
        Assert.Equal(
            ["condition: 'quiet' against 'live'", "governor: 'absent' against 'performance'", "meter: 'absent' against 'ina3221 hwmon VDD_IN'"],
            FingerprintComparison.Differences(before, after));
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyDictionary<string, string> Read() => Fingerprint.Of(
        new BenchJob { CandidatePath = _folder.Write("model", "x") }, new KernelFiles(_folder["root"]), sessions: 1, meter: "absent");
}

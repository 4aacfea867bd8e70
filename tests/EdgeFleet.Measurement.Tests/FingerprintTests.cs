using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Fingerprints;
using EdgeFleet.Testing;

namespace EdgeFleet.Measurement.Tests;

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

    public void Dispose() => _folder.Dispose();

    private IReadOnlyDictionary<string, string> Read() => Fingerprint.Of(
        new BenchJob { CandidatePath = _folder.Write("model", "x"), SystemRoot = _folder["root"] }, new InferenceOptions());
}

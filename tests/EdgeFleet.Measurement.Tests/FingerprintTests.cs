using System.Runtime.InteropServices;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
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

    [Fact]
    public void A_new_peak_begins_at_what_is_resident_now()
    {
        // Memory of the system's own allocator: what the collector keeps is its own affair.
        Touch(64 << 20);
        long before = PeakMemory.Read()!.Value;

        Assert.Null(PeakMemory.Restart());
        long restarted = PeakMemory.Read()!.Value;
        Assert.True(restarted < before - (32 << 20), $"peak {before} before, {restarted} after");

        Touch(64 << 20);
        Assert.True(PeakMemory.Read() > restarted + (48 << 20));
    }

    private static unsafe void Touch(nuint bytes)
    {
        byte* memory = (byte*)NativeMemory.Alloc(bytes);
        NativeMemory.Fill(memory, bytes, 1);
        NativeMemory.Free(memory);
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyDictionary<string, string> Read() => Fingerprint.Of(
        new BenchJob { CandidatePath = _folder.Write("model", "x"), SystemRoot = _folder["root"] }, new InferenceOptions());
}

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

    public static TheoryData<string> Decisive =>
    [
        "condition", "hardwareClass", "board", "cpuModel", "cpusOnline", "cpus", "powerMode", "governor", "minimumKilohertz", "maximumKilohertz",
        "provider", "threads", "spinning", "arena", "freeDimension", "inputsSha256", "meter",
    ];

    [Theory, MemberData(nameof(Decisive))]
    public void Two_that_were_measured_on_or_with_something_else_are_not_compared_and_the_field_is_named(string field)
    {
        BenchJob job = new() { CandidatePath = _folder.Write("model", "x"), InputPath = _folder.Write("inputs", "a") };
        IReadOnlyDictionary<string, string> before = Of(job);
        BenchJob other = field switch
        {
            "condition" => job with { Condition = BenchCondition.Live },
            "hardwareClass" => job with { HardwareClass = "another" },
            "cpus" => job with { Cpus = "0" },
            "provider" => job with { Session = new SessionChoice { Provider = "CUDAExecutionProvider" } },
            "threads" => job with { Session = new SessionChoice { Threads = 2 } },
            "spinning" => job with { Session = new SessionChoice { Spinning = true } },
            "arena" => job with { Session = new SessionChoice { Arena = false } },
            "freeDimension" => job with { Session = new SessionChoice { FreeDimension = 2 } },
            "inputsSha256" => job with { InputPath = _folder.Write("others", "b") },
            _ => job,
        };
        string? file = field switch
        {
            "board" => "proc/device-tree/model",
            "cpuModel" => "proc/cpuinfo",
            "cpusOnline" => "sys/devices/system/cpu/online",
            "powerMode" => "var/lib/nvpmodel/status",
            "governor" => "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor",
            "minimumKilohertz" => "sys/devices/system/cpu/cpu1/cpufreq/scaling_min_freq",
            "maximumKilohertz" => "sys/devices/system/cpu/cpu1/cpufreq/scaling_max_freq",
            _ => null,
        };
        if (file is not null)
        {
            _folder.Write($"root/{file}", "model name\t: another\n");
        }

        Assert.StartsWith($"{field}: '", Assert.Single(FingerprintComparison.Differences(before, Of(other, field == "meter" ? "rapl" : "absent"))), StringComparison.Ordinal);
    }

    [Fact]
    public void Another_runtime_is_another_measurement()
    {
        Dictionary<string, string> before = new(Read());
        Assert.Equal([$"runtime: '{before["runtime"]}' against 'onnxruntime 0'"], FingerprintComparison.Differences(before, new Dictionary<string, string>(before) { ["runtime"] = "onnxruntime 0" }));
    }

    [Fact]
    public void Each_model_is_named_by_its_own_bytes()
    {
        // SHA-256 of "a" and "b".
        IReadOnlyDictionary<string, string> facts = Of(new BenchJob { BaselinePath = _folder.Write("baseline", "a"), CandidatePath = _folder.Write("candidate", "b") });
        Assert.StartsWith("ca978112ca1bbdca", facts["baselineSha256"], StringComparison.Ordinal);
        Assert.StartsWith("3e23e8160039594a", facts["candidateSha256"], StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private IReadOnlyDictionary<string, string> Read() => Of(new BenchJob { CandidatePath = _folder.Write("model", "x") });

    private IReadOnlyDictionary<string, string> Of(BenchJob job, string meter = "absent") => Fingerprint.Of(job, new KernelFiles(_folder["root"]), sessions: 1, meter);
}

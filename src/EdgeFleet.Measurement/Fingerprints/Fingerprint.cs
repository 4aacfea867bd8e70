using System.Globalization;
using System.Security.Cryptography;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Fingerprints;

/// <summary>
/// What a measurement was made on and with. Two figures may be compared only where <see cref="FingerprintComparison"/> finds
/// no difference; what the device does not tell is <c>absent</c>.
/// </summary>
public static class Fingerprint
{
    private const string Absent = "absent";
    private const string Cpu = "/sys/devices/system/cpu";

    public static IReadOnlyDictionary<string, string> Of(BenchJob job, ISystemFiles files, int sessions, string meter)
    {
        SessionChoice session = job.Session;
        SortedDictionary<string, string> facts = new(StringComparer.Ordinal)
        {
            // The device.
            ["hardwareClass"] = job.HardwareClass.Length > 0 ? job.HardwareClass : Absent,
            ["board"] = Text(files, "/proc/device-tree/model") ?? Text(files, "/sys/class/dmi/id/product_name") ?? Absent,
            ["cpuModel"] = CpuModel(files),
            ["cpusOnline"] = Text(files, $"{Cpu}/online") ?? Absent,
            ["governor"] = Distinct(files, "scaling_governor"),
            ["minimumKilohertz"] = Distinct(files, "scaling_min_freq"),
            ["maximumKilohertz"] = Distinct(files, "scaling_max_freq"),
            ["powerMode"] = Text(files, "/var/lib/nvpmodel/status") ?? Absent,
            ["l4t"] = Text(files, "/etc/nv_tegra_release")?.Split('\n')[0] ?? Absent,
            ["kernel"] = Text(files, "/proc/sys/kernel/osrelease") ?? Absent,
            ["clockSource"] = Text(files, "/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? Absent,
            ["loadAverage"] = Text(files, "/proc/loadavg")?.Split(' ')[0] ?? Absent,
            // The runtime.
            ["runtime"] = $"onnxruntime {InferenceRuntime.Version}",
            ["provider"] = session.Provider,
            ["threads"] = Number(session.Threads),
            ["spinning"] = session.Spinning ? "on" : "off",
            ["arena"] = session.Arena ? "on" : "off",
            ["freeDimension"] = Number(session.FreeDimension),
            ["optimization"] = nameof(GraphOptimization.All).ToLowerInvariant(),
            ["tool"] = $"edgefleet {typeof(Fingerprint).Assembly.GetName().Version?.ToString(3)}",
            // What was measured, and how.
            ["condition"] = job.Condition.ToString().ToLowerInvariant(),
            ["cpus"] = job.Cpus ?? "any",
            ["meter"] = meter,
            ["seed"] = job.Seed.ToString(CultureInfo.InvariantCulture),
            ["cellMs"] = Number(job.CellMs),
            ["warmUpMs"] = Number(job.WarmUpMs),
            ["looks"] = string.Join(',', job.Looks),
            ["sessions"] = Number(sessions),
            ["inputsSha256"] = job.InputPath is { } inputs ? HashOf(inputs) : "synthetic",
            ["candidateSha256"] = HashOf(job.CandidatePath),
        };
        if (job.BaselinePath is { } baseline)
        {
            facts["baselineSha256"] = HashOf(baseline);
        }
        return facts;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string? Text(ISystemFiles files, string path) => files.Read(path).Text is { Length: > 0 } text ? text : null;

    /// <summary>What the processors' frequency settings say, each value once.</summary>
    private static string Distinct(ISystemFiles files, string name)
    {
        string[] values = [.. files.List(Cpu).Select(cpu => Text(files, $"{Cpu}/{cpu}/cpufreq/{name}")).OfType<string>().Distinct().Order(StringComparer.Ordinal)];
        return values.Length == 0 ? Absent : string.Join(',', values);
    }

    private static string HashOf(string path)
    {
        using FileStream file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    /// <summary>x86 names the model; on arm the implementer and part numbers are what there is.</summary>
    private static string CpuModel(ISystemFiles files)
    {
        string[] lines = (files.Read("/proc/cpuinfo").Text ?? "").Split('\n');
        return Value("model name") ?? (Value("CPU part") is { } part ? $"arm implementer {Value("CPU implementer")} part {part}" : Absent);

        string? Value(string name) => lines
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(':', StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())
            .FirstOrDefault();
    }
}

using System.Globalization;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Linux;

namespace EdgeFleet.Measurement.Fingerprints;

/// <summary>
/// What a measurement was made on and with. Two figures may be compared only where these agree; what the device does not
/// tell is <c>absent</c>.
/// </summary>
public static class Fingerprint
{
    private const string Absent = "absent";

    public static IReadOnlyDictionary<string, string> Of(BenchJob job, InferenceOptions options)
    {
        SystemRoot root = new(job.SystemRoot);
        SortedDictionary<string, string> facts = new(StringComparer.Ordinal)
        {
            ["hardwareClass"] = job.HardwareClass.Length > 0 ? job.HardwareClass : Absent,
            ["cpuModel"] = CpuModel(root),
            ["cpusOnline"] = root.ReadText("/sys/devices/system/cpu/online") ?? Absent,
            ["cpusAllowed"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            ["governor"] = root.ReadText("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") ?? Absent,
            ["kernel"] = root.ReadText("/proc/sys/kernel/osrelease") ?? Absent,
            ["loadAverage"] = root.ReadText("/proc/loadavg")?.Split(' ')[0] ?? Absent,
            ["runtime"] = $"onnxruntime {InferenceRuntime.Version}",
            ["provider"] = options.Provider,
            ["threads"] = options.IntraOpThreads.ToString(CultureInfo.InvariantCulture),
            ["spinning"] = options.AllowSpinning ? "on" : "off",
            ["arena"] = options.MemoryArena ? "on" : "off",
            ["optimization"] = options.Optimization.ToString().ToLowerInvariant(),
            ["condition"] = job.Condition.ToString().ToLowerInvariant(),
            ["seed"] = job.Seed.ToString(CultureInfo.InvariantCulture),
            ["blockMs"] = job.BlockMs.ToString(CultureInfo.InvariantCulture),
            ["warmUpMs"] = job.WarmUpMs.ToString(CultureInfo.InvariantCulture),
            ["candidateSha256"] = Digest.Of(File.ReadAllBytes(job.CandidatePath)).Hex,
            ["tool"] = $"edgefleet {typeof(Fingerprint).Assembly.GetName().Version?.ToString(3)}",
        };
        if (job.BaselinePath is not null)
        {
            facts["baselineSha256"] = Digest.Of(File.ReadAllBytes(job.BaselinePath)).Hex;
        }
        return facts;
    }

    /// <summary>x86 names the model; on arm the implementer and part numbers are what there is.</summary>
    private static string CpuModel(SystemRoot root)
    {
        string[] lines = (root.ReadText("/proc/cpuinfo") ?? "").Split('\n');
        return Value("model name") ?? (Value("CPU part") is { } part ? $"arm implementer {Value("CPU implementer")} part {part}" : Absent);

        string? Value(string name) => lines
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(':', StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim())
            .FirstOrDefault();
    }
}

namespace EdgeFleet.Measurement.Fingerprints;

/// <summary>Whether figures of two measurements may be put side by side.</summary>
public static class FingerprintComparison
{
    /// <summary>
    /// What moves a figure by itself. The seed, the load average, the tool's version or the models may differ: they are what
    /// is compared, or chance.
    /// </summary>
    private static readonly string[] s_decisive =
    [
        "condition", "hardwareClass", "board", "cpuModel", "cpusOnline", "cpus", "powerMode", "governor", "minimumKilohertz", "maximumKilohertz",
        "runtime", "provider", "threads", "spinning", "arena", "freeDimension", "inputsSha256", "meter",
    ];

    /// <summary>One sentence for each field that differs, in the order of what is looked for first; empty where they may be compared.</summary>
    public static IReadOnlyList<string> Differences(IReadOnlyDictionary<string, string> left, IReadOnlyDictionary<string, string> right) =>
        [.. s_decisive.Where(field => Value(left, field) != Value(right, field)).Select(field => $"{field}: '{Value(left, field)}' against '{Value(right, field)}'")];

    private static string Value(IReadOnlyDictionary<string, string> fingerprint, string field) => fingerprint.GetValueOrDefault(field, "absent");
}

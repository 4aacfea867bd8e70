using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>The clock of a GPU under devfreq; Hz, null where the kernel does not say.</summary>
/// <param name="Name">Its device, for example <c>17000000.gpu</c>.</param>
/// <param name="Current">What it runs at.</param>
/// <param name="Minimum">The lowest allowed.</param>
/// <param name="Maximum">The highest allowed.</param>
/// <param name="Governor">For example <c>nvhost_podgov</c>.</param>
public sealed record GpuClock(string Name, long? Current, long? Minimum, long? Maximum, string? Governor)
{
    private const string Folder = "/sys/class/devfreq";
    private static readonly string[] s_names = ["gpu", "gp10b", "gv11b", "ga10b", "gm20b"];

    public static IReadOnlyList<GpuClock> ReadAll(ISystemFiles files) =>
    [
        .. files.List(Folder)
            .Where(name => IsGpu(name) || IsGpu(files.Text($"{Folder}/{name}/device/of_node/name") ?? ""))
            .Select(name => new GpuClock(
                name, files.Number($"{Folder}/{name}/cur_freq"), files.Number($"{Folder}/{name}/min_freq"),
                files.Number($"{Folder}/{name}/max_freq"), files.Text($"{Folder}/{name}/governor"))),
    ];

    /// <summary>Orin <c>17000000.gpu</c>, Thor <c>gpu-gpc-0</c>, TX2 <c>17000000.gp10b</c>, Nano <c>57000000.gpu</c>; the tree's node says it where the device does not.</summary>
    private static bool IsGpu(string name) => s_names.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));
}

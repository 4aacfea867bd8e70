using System.Globalization;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Measurement.Conditions;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>What the device is, and what all figures depend on.</summary>
internal static class BoardSection
{
    public const string Area = "board";

    public static IEnumerable<Finding> Look(Device device)
    {
        yield return Model(device.Files);
        yield return device.Files.Read("/proc/sys/kernel/osrelease").Text is { Length: > 0 } kernel
            ? new Finding(Area, "kernel", FindingState.Found, kernel)
            : new Finding(Area, "kernel", FindingState.Absent, "/proc/sys/kernel/osrelease does not answer");
        if (User(device.Files) is { } user)
        {
            yield return user == 0
                ? new Finding(Area, "user", FindingState.Found, "root: everything may be read")
                : new Finding(Area, "user", FindingState.Limited, $"user {user.ToString(CultureInfo.InvariantCulture)}: some sensors are for root only", "run edgefleet doctor once as root too, and compare");
        }
        if (JetsonRelease(device.Files) is { } release)
        {
            yield return new Finding(Area, "Jetson Linux", FindingState.Found, release);
        }
        if (PowerMode.Read(device.Files) is { } mode)
        {
            yield return new Finding(Area, "power mode", FindingState.Found, mode.ToString(), "figures of two modes are never compared; 'sudo nvpmodel -m ID' changes it and keeps it over a reboot");
        }
        else if (IsJetson(device.Files))
        {
            yield return new Finding(Area, "power mode", FindingState.Absent, "/var/lib/nvpmodel/status names none", "set one: 'sudo nvpmodel -q' shows it, 'sudo nvpmodel -m ID' sets it (the modes are in /etc/nvpmodel.conf)");
        }
    }

    private static Finding Model(ISystemFiles files)
    {
        if (files.Text("/proc/device-tree/model") is { } model)
        {
            return new Finding(Area, "model", FindingState.Found, model.Replace("\0", "", StringComparison.Ordinal));
        }
        string?[] words = [files.Text("/sys/class/dmi/id/sys_vendor"), files.Text("/sys/class/dmi/id/product_name")];
        return words.Any(word => word is not null)
            ? new Finding(Area, "model", FindingState.Found, string.Join(' ', words.OfType<string>()))
            : new Finding(Area, "model", FindingState.Absent, "neither a device tree nor DMI names it", "hardware classes then rest on architecture and memory alone");
    }

    public static bool IsJetson(ISystemFiles files) =>
        (files.Text("/proc/device-tree/compatible") ?? "").Contains("nvidia,tegra", StringComparison.Ordinal) || files.Exists("/etc/nv_tegra_release");

    /// <summary>The first line, for example <c># R36 (release), REVISION: 4.3, …</c>.</summary>
    private static string? JetsonRelease(ISystemFiles files) => files.Text("/etc/nv_tegra_release")?.Split('\n')[0].TrimStart('#', ' ');

    /// <summary>proc(5): real, effective, saved and file system user.</summary>
    private static int? User(ISystemFiles files)
    {
        string? line = files.Text("/proc/self/status")?.Split('\n').FirstOrDefault(text => text.StartsWith("Uid:", StringComparison.Ordinal));
        string[] words = line?.Split('\t', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 2 && int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out int user) ? user : null;
    }

    private static string? Text(this ISystemFiles files, string path) => files.Read(path).Text is { Length: > 0 } text ? text : null;
}

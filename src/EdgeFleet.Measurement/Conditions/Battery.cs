using System.Globalization;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>A battery that the device runs on.</summary>
/// <param name="Name">As the kernel names it.</param>
/// <param name="Percent">How full it is; null where it does not say.</param>
/// <param name="Status">The driver's word, for example <c>Discharging</c>; the sign of a current is not to be trusted.</param>
public sealed record Battery(string Name, long? Percent, string? Status)
{
    private const string Folder = "/sys/class/power_supply";

    public bool IsDischarging => Status == "Discharging";

    /// <summary>None on a device that hangs on a supply. The battery of a mouse or a pen is none of the device's.</summary>
    public static IReadOnlyList<Battery> ReadAll(ISystemFiles files) =>
    [
        .. files.List(Folder)
            .Where(name => files.Text($"{Folder}/{name}/type") == "Battery" && files.Text($"{Folder}/{name}/scope") != "Device")
            .Select(name => new Battery(name, files.Number($"{Folder}/{name}/capacity") is { } percent and >= 0 and <= 100 ? percent : null, files.Text($"{Folder}/{name}/status"))),
    ];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} at {Percent} %");
}

using EdgeFleet.Linux.Captures;
using EdgeFleet.Linux.Gpio;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Cli.Doctor.Sections;

/// <summary>Chips whose lines can mark measured windows for a power analyser, or take a button.</summary>
internal static class GpioSection
{
    public const string Area = "gpio";
    private const string Folder = "/sys/bus/gpio/devices";

    public static IEnumerable<Finding> Look(Device device)
    {
        List<string> chips = [.. device.Files.List(Folder).Where(name => name.StartsWith("gpiochip", StringComparison.Ordinal))];
        if (chips.Count == 0)
        {
            yield return new Finding(Area, "chips", FindingState.Absent, $"no chip below {Folder}", "it is needed only to synchronise an external power analyser or for a rollback button; in a container pass the device in");
        }
        foreach (string chip in chips)
        {
            string path = $"/dev/{chip}";
            DeviceAnswer opened = device.Questions.Ask($"open {path}", () =>
            {
                int descriptor = GpioKernel.Host.Open(path, out Errno error);
                if (descriptor >= 0)
                {
                    GpioKernel.Host.Close(descriptor);
                }
                return new DeviceAnswer(error, "");
            });
            string label = device.Files.Read($"{Folder}/{chip}/of_node/name").Text is { Length: > 0 } name ? $"{name.TrimEnd('\0')}, " : "";
            yield return opened.Error switch
            {
                Errno.None => new Finding(Area, chip, FindingState.Found, $"{label}a line of it can mark measured windows"),
                Errno.Enodata => new Finding(Area, chip, FindingState.Limited, label + Device.NotAsked),
                Errno.Eacces or Errno.Eperm => new Finding(Area, chip, FindingState.Absent, $"{label}{path}: {opened.Error.Describe()}", "add the user to the group that owns it (gpio on most systems)"),
                var error => new Finding(Area, chip, FindingState.Absent, $"{label}{path}: {error.Describe()}"),
            };
        }
    }
}

using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Meters.Hwmon;

/// <summary>
/// The power chips below a root folder. The same chip is reached by several ways, of which containers and older kernels lack
/// some; each is listed once.
/// </summary>
internal static class SensorChips
{
    private const string I2cDevices = "/sys/bus/i2c/devices", I2cDrivers = "/sys/bus/i2c/drivers", HwmonClass = "/sys/class/hwmon",
        IioDevices = "/sys/bus/iio/devices", Platform = "/sys/devices/platform";

    /// <summary>Texas Instruments' meters, which all begin with "ina".</summary>
    public static IReadOnlyList<SensorChip> Find(ISystemFiles files)
    {
        List<SensorChip> chips = [];
        foreach ((string folder, string? address) in Folders(files))
        {
            // The i2c device of a nameless hwmon has a name, and the other way round.
            string name = (Text(files, $"{folder}/name") ?? Text(files, $"{folder}/device/name") ?? Text(files, $"{folder}/../../name") ?? Text(files, $"{folder}/../name") ?? "").ToLowerInvariant();
            string leaf = Path.GetFileName(folder);
            if (name.StartsWith("ina", StringComparison.Ordinal) && !chips.Any(known => address is not null && known.Address is not null
                ? known.Address == address
                : Path.GetFileName(known.Folder) == leaf))
            {
                chips.Add(new SensorChip(folder, name, address, leaf.StartsWith("iio", StringComparison.Ordinal)));
            }
        }
        return chips;
    }

    private static IEnumerable<(string Folder, string? Address)> Folders(ISystemFiles files)
    {
        foreach (string device in files.List(I2cDevices))
        {
            foreach (string folder in Below(files, $"{I2cDevices}/{device}"))
            {
                yield return (folder, device);
            }
        }
        foreach (string driver in files.List(I2cDrivers).Where(driver => driver.StartsWith("ina", StringComparison.Ordinal)))
        {
            foreach (string device in files.List($"{I2cDrivers}/{driver}").Where(IsAddress))
            {
                foreach (string folder in Below(files, $"{I2cDrivers}/{driver}/{device}"))
                {
                    yield return (folder, device);
                }
            }
        }
        foreach (string hwmon in files.List(HwmonClass))
        {
            yield return ($"{HwmonClass}/{hwmon}", AddressOf(files.LinkTarget($"{HwmonClass}/{hwmon}/device")));
        }
        foreach (string device in files.List(IioDevices).Where(device => device.StartsWith("iio:", StringComparison.Ordinal)))
        {
            yield return ($"{IioDevices}/{device}", null);
        }
        // A container sees the devices themselves where it does not see the links to them.
        foreach (string platform in (string[])[Platform, $"{Platform}/bus@0", "/sys/devices"])
        {
            foreach (string controller in files.List(platform).Where(controller => controller.EndsWith(".i2c", StringComparison.Ordinal)))
            {
                foreach (string bus in files.List($"{platform}/{controller}").Where(bus => bus.StartsWith("i2c-", StringComparison.Ordinal)))
                {
                    foreach (string device in files.List($"{platform}/{controller}/{bus}").Where(IsAddress))
                    {
                        foreach (string folder in Below(files, $"{platform}/{controller}/{bus}/{device}"))
                        {
                            yield return (folder, device);
                        }
                    }
                }
            }
        }
    }

    private static IEnumerable<string> Below(ISystemFiles files, string device)
    {
        foreach (string entry in files.List(device))
        {
            if (entry == "hwmon")
            {
                foreach (string hwmon in files.List($"{device}/hwmon").Where(name => name.StartsWith("hwmon", StringComparison.Ordinal)))
                {
                    yield return $"{device}/hwmon/{hwmon}";
                }
            }
            else if (entry.StartsWith("iio:device", StringComparison.Ordinal) || entry == "iio_device")
            {
                yield return $"{device}/{entry}";
            }
        }
    }

    /// <summary>Bus, dash, four hexadecimal digits.</summary>
    private static bool IsAddress(string name) => name.IndexOf('-', StringComparison.Ordinal) is > 0 and int dash
        && name.Length == dash + 5 && name[..dash].All(char.IsAsciiDigit) && name[(dash + 1)..].All(char.IsAsciiHexDigit);

    private static string? AddressOf(string? link) => link is not null && Path.GetFileName(link.TrimEnd('/')) is var name && IsAddress(name) ? name : null;

    private static string? Text(ISystemFiles files, string path) => files.Read(path).Text is { Length: > 0 } text ? text : null;
}

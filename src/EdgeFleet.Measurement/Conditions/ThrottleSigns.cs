using System.Globalization;
using System.Text;
using EdgeFleet.Linux.Firmware;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Measurement.Conditions;

/// <summary>
/// Finds what counts or shows throttling. The clock that the governor asked for is none of them: after an over-current event
/// a device may run at a quarter of it.
/// </summary>
internal static class ThrottleSigns
{
    private static readonly string[] s_overCurrent = ["the supply's voltage fell", "the average current was too high", "the current was too high for a moment"];
    private static readonly string[] s_slowing = ["cpufreq", "devfreq", "gpufreq", "cpuidle", "Processor", "intel_powerclamp"];

    private static readonly (int Bit, string Name, string Cause)[] s_raspberryPi =
    [
        (0, "under-voltage", "the supply fell below 4.63 V"),
        (1, "frequency cap", "the firmware capped the processor's clock"),
        (2, "throttling", "the firmware throttled the processor"),
        (3, "soft temperature limit", "the firmware's soft temperature limit was reached"),
    ];

    public static IReadOnlyList<ThrottleSign> Read(ISystemFiles files, IFirmwareMailbox? firmware) =>
        [.. OverCurrent(files), .. RaspberryPi(files, firmware), .. Voltage(files), .. Coolers(files), .. X86(files), .. HeldBack(files)];

    /// <summary>Orin and Thor (drivers/hwmon soctherm_oc): OC1 under-voltage, OC2 average, OC3 instantaneous over-current.</summary>
    private static IEnumerable<ThrottleSign> OverCurrent(ISystemFiles files)
    {
        foreach (string folder in Hwmon(files, "soctherm_oc"))
        {
            for (int i = 1; i <= s_overCurrent.Length; i++)
            {
                string path = $"{folder}/oc{i}_event_cnt";
                if (files.Exists(path))
                {
                    yield return Sign(files, $"soctherm_oc oc{i}", SignKind.Counter, $"{s_overCurrent[i - 1]} (OC{i})", path);
                }
            }
        }
    }

    /// <summary>Bits 0 to 3 are now, bits 16 to 19 the same since the start of the device.</summary>
    private static IEnumerable<ThrottleSign> RaspberryPi(ISystemFiles files, IFirmwareMailbox? firmware)
    {
        // Boards since the Pi 5 have no file for it, and an older kernel's file may be two seconds old.
        (string Source, FileText Answer)? asked = AskFirmware(firmware);
        if (asked?.Answer.Text is null && FindThrottled(files) is { } path)
        {
            asked = (path, files.Read(path));
        }
        if (asked is not { } text)
        {
            yield break;
        }
        long? bits = text.Answer.Text is null ? null : ParseHex(text.Answer.Text);
        string? why = text.Answer.Text is null ? $"{text.Source}: {text.Answer.Error.Describe()}" : bits is null ? $"{text.Source} holds no number: '{text.Answer.Text}'" : null;
        foreach ((int bit, string name, string cause) in s_raspberryPi)
        {
            yield return new ThrottleSign($"get_throttled {name}", SignKind.Level, cause, (bits >> bit) & 1, why);
            yield return new ThrottleSign($"get_throttled {name} since start", SignKind.Sticky, cause, (bits >> (bit + 16)) & 1, why);
        }
    }

    /// <summary>Null where there is no such firmware.</summary>
    private static (string Source, FileText Answer)? AskFirmware(IFirmwareMailbox? firmware)
    {
        if (firmware is null)
        {
            return null;
        }
        Span<byte> answer = stackalloc byte[128];
        return firmware.Command("get_throttled"u8, answer, out int count) switch
        {
            Errno.None => ("the firmware's get_throttled", FileText.Of(Encoding.ASCII.GetString(answer[..count]).Trim())),
            Errno.Enoent or Errno.Enotty => null,
            var error => ("the firmware's mailbox (/dev/vcio; the user has to be in the group video)", FileText.Failed(error)),
        };
    }

    /// <summary><c>soc:firmware</c> up to the Pi 4; later trees carry an address in the names.</summary>
    private static string? FindThrottled(ISystemFiles files)
    {
        const string platform = "/sys/devices/platform";
        foreach (string soc in files.List(platform).Where(name => name.StartsWith("soc", StringComparison.Ordinal)))
        {
            foreach (string firmware in files.List($"{platform}/{soc}").Where(name => name.EndsWith(":firmware", StringComparison.Ordinal)))
            {
                string path = $"{platform}/{soc}/{firmware}/get_throttled";
                if (files.Exists(path))
                {
                    return path;
                }
            }
        }
        return null;
    }

    /// <summary>The kernel writes <c>50005</c>, vcgencmd <c>throttled=0x50005</c>.</summary>
    private static long? ParseHex(string text)
    {
        ReadOnlySpan<char> digits = text.AsSpan().Trim();
        digits = digits.StartsWith("throttled=", StringComparison.Ordinal) ? digits["throttled=".Length..] : digits;
        digits = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? digits[2..] : digits;
        return long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long bits) && bits >= 0 ? bits : null;
    }

    /// <summary>raspberrypi-hwmon looks every two seconds whether the supply fell.</summary>
    private static IEnumerable<ThrottleSign> Voltage(ISystemFiles files) => Hwmon(files, "rpi_volt")
        .Select(folder => Sign(files, "rpi_volt in0_lcrit_alarm", SignKind.Level, "the supply fell below 4.63 V", $"{folder}/in0_lcrit_alarm"));

    /// <summary>Cooling devices that cool by making something slower; a fan is none.</summary>
    private static IEnumerable<ThrottleSign> Coolers(ISystemFiles files)
    {
        const string thermal = "/sys/class/thermal";
        Dictionary<string, int> seen = [];
        foreach (string entry in files.List(thermal).Where(name => name.StartsWith("cooling_device", StringComparison.Ordinal)))
        {
            string type = files.Text($"{thermal}/{entry}/type") ?? "";
            if (s_slowing.Any(word => type.Contains(word, StringComparison.Ordinal)))
            {
                // By type, for numbers change; x86 has many of one type.
                int number = seen[type] = seen.GetValueOrDefault(type) + 1;
                yield return Sign(files, number == 1 ? $"cooler {type}" : $"cooler {type} {number}", SignKind.Level, $"the kernel cooled by slowing ({type})", $"{thermal}/{entry}/cur_state");
            }
        }
    }

    /// <summary>Intel's counts of how often a core or package was slowed for its temperature.</summary>
    private static IEnumerable<ThrottleSign> X86(ISystemFiles files)
    {
        const string cpus = "/sys/devices/system/cpu";
        foreach (string cpu in files.List(cpus).Where(name => name.StartsWith("cpu", StringComparison.Ordinal)))
        {
            string folder = $"{cpus}/{cpu}/thermal_throttle";
            foreach (string file in files.List(folder).Where(name => name.EndsWith("_throttle_count", StringComparison.Ordinal)))
            {
                yield return Sign(files, $"{cpu} {file}", SignKind.Counter, $"{cpu} was slowed for its temperature", $"{folder}/{file}");
            }
        }
    }

    /// <summary>Where both clocks can be read, a core that runs slower than it was asked to.</summary>
    private static IEnumerable<ThrottleSign> HeldBack(ISystemFiles files) => CpuClock.ReadAll(files)
        .Where(clock => clock is { Requested: not null, Actual: not null })
        .Select(clock => new ThrottleSign(
            $"cpu{clock.Cpu} clock", SignKind.Level,
            string.Create(CultureInfo.InvariantCulture, $"cpu{clock.Cpu} was asked for {clock.Requested / 1000} MHz and ran at {clock.Actual / 1000}"), clock.IsHeldBack ? 1 : 0, null));

    private static IEnumerable<string> Hwmon(ISystemFiles files, string name) => files.List("/sys/class/hwmon")
        .Select(entry => $"/sys/class/hwmon/{entry}")
        .Where(folder => files.Text($"{folder}/name") == name);

    private static ThrottleSign Sign(ISystemFiles files, string name, SignKind kind, string cause, string path)
    {
        long? value = files.Number(path, out string? why);
        return new ThrottleSign(name, kind, cause, value, why);
    }
}

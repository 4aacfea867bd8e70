using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using EdgeFleet.Core.Devices;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Hardware;

/// <summary>Reads from the kernel what a device is, without a library that would cost memory.</summary>
public sealed class HardwareReader(ISystemFiles files)
{
    private const int MemoryStepMiB = 256;

    // What board makers leave in the firmware when they name nothing.
    private static readonly string[] s_placeholders =
        ["to be filled by o.e.m.", "default string", "system product name", "system manufacturer", "not specified", "none", "unknown", "o.e.m."];

    /// <summary>The processor architecture by its .NET name (<c>x64</c>, <c>arm64</c>), the same on every kernel.</summary>
    public static string Architecture => RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    public HardwareFacts Read(string runtime, string provider, int threads) =>
        new(Board(), MemoryMiB(), PowerMode(), runtime, provider, threads);

    private string Board()
    {
        if (files.Read("/proc/device-tree/model").Text is { } model && Named(model))
        {
            return Word(model);
        }
        string? product = files.Read("/sys/class/dmi/id/product_name").Text;
        string? vendor = files.Read("/sys/class/dmi/id/sys_vendor").Text;
        if (product is null || !Named(product))
        {
            return Architecture;
        }
        return Word(vendor is not null && Named(vendor) ? $"{vendor} {product}" : product);
    }

    /// <summary>Rounded up: what firmware and kernel keep for themselves differs from start to start.</summary>
    private int MemoryMiB()
    {
        foreach (string line in (files.Read("/proc/meminfo").Text ?? "").Split('\n'))
        {
            string[] parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts is ["MemTotal:", var kibiBytes, "kB"] && long.TryParse(kibiBytes, NumberStyles.None, CultureInfo.InvariantCulture, out long total))
            {
                long mebiBytes = (total + 1023) / 1024;
                return (int)((mebiBytes + MemoryStepMiB - 1) / MemoryStepMiB * MemoryStepMiB);
            }
        }
        return 0;
    }

    /// <summary>A Jetson's nvpmodel writes its mode here; other boards have none.</summary>
    private string PowerMode()
    {
        const string prefix = "pmode:";
        return files.Read("/var/lib/nvpmodel/status").Text is { } status && status.StartsWith(prefix, StringComparison.Ordinal) && status.Length > prefix.Length
            ? $"nvpmodel-{Word(status[prefix.Length..])}"
            : "default";
    }

    private static bool Named(string text) => text.Trim().Length > 0 && !s_placeholders.Contains(text.Trim().ToLowerInvariant());

    /// <summary>Lower-case letters, digits and single hyphens.</summary>
    private static string Word(string text)
    {
        StringBuilder word = new(text.Length);
        foreach (char c in text.ToLowerInvariant())
        {
            if (char.IsAsciiLetterOrDigit(c))
            {
                word.Append(c);
            }
            else if (word.Length > 0 && word[^1] != '-')
            {
                word.Append('-');
            }
        }
        return word.ToString().Trim('-');
    }
}

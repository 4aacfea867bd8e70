using System.Globalization;

namespace EdgeFleet.Demo.Processes;

/// <summary>What /proc says of a process; null when it is gone.</summary>
internal static class ProcessTable
{
    public static int? ParentOf(int pid) => Fields(pid) is { } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : null;

    /// <summary>Start time in clock ticks since boot: with the pid it names a process for good.</summary>
    public static long? StartOf(int pid) => Fields(pid) is { } fields ? long.Parse(fields[19], CultureInfo.InvariantCulture) : null;

    public static string? NameOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/comm").Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Processes whose command line names something in a folder, but for this one.</summary>
    public static IReadOnlyList<(int Pid, string Command)> NamingFolder(string folder)
    {
        List<(int, string)> found = [];
        foreach (string entry in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && pid != Environment.ProcessId &&
                CommandOf(pid) is { } arguments && arguments.Any(argument => argument.Contains(folder + "/", StringComparison.Ordinal)))
            {
                found.Add((pid, string.Join(' ', arguments)));
            }
        }
        return found;
    }

    private static string[]? CommandOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The fields of /proc/PID/stat after the command's name, which may itself hold spaces and brackets.</summary>
    private static string[]? Fields(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

using System.Globalization;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Linux.SystemFiles;

namespace EdgeFleet.Linux.Memory;

/// <summary>
/// What cgroup v2 accounts to the group of a process, with all other processes of that group. Absent figures say why: no v2
/// hierarchy, the memory controller left with v1, the root group, or a kernel without the file.
/// </summary>
public sealed record CgroupMemory
{
    /// <summary>The folder of the group; null where there is none.</summary>
    public string? Folder { get; private init; }
    /// <summary>memory.current, bytes.</summary>
    public required Reading Current { get; init; }
    /// <summary>memory.peak, bytes, since the group was made; since Linux 5.19.</summary>
    public required Reading Peak { get; init; }
    /// <summary>memory.stat anon, bytes.</summary>
    public required Reading Anonymous { get; init; }
    /// <summary>memory.stat file, bytes.</summary>
    public required Reading File { get; init; }
    /// <summary>memory.events oom_kill: processes of the group that were killed for memory.</summary>
    public required Reading OutOfMemoryKills { get; init; }

    internal static CgroupMemory Of(ISystemFiles files, string proc)
    {
        if (FindFolder(files, proc, out string why) is not { } folder)
        {
            return None(null, why);
        }
        // The root group accounts nothing (cgroup-v2.rst: memory.current exists on non-root cgroups).
        FileText current = files.Read($"{folder}/memory.current");
        if (current.Error == Errno.Enoent)
        {
            string controllers = files.Read($"{folder}/cgroup.controllers").Text ?? "";
            return None(folder, controllers.Split(' ').Contains("memory")
                ? $"{folder} is the root group, which is not accounted; run it in a group of its own, for example with systemd-run --scope"
                : $"{folder} has no memory controller: it is with cgroup v1 on this system, or not enabled for this group");
        }
        FileText stat = files.Read($"{folder}/memory.stat"), events = files.Read($"{folder}/memory.events");
        return new CgroupMemory
        {
            Folder = folder,
            Current = Number(current, "memory.current"),
            Peak = Number(files.Read($"{folder}/memory.peak"), "memory.peak"),
            Anonymous = Line(stat, "memory.stat", "anon", "bytes"),
            File = Line(stat, "memory.stat", "file", "bytes"),
            OutOfMemoryKills = Line(events, "memory.events", "oom_kill", "kills"),
        };

        Reading Number(FileText text, string name) =>
            text.Text is null ? Reading.Absent($"{folder}/{name}: {text.Error.Describe()}")
            : long.TryParse(text.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? Reading.Measured(bytes, "bytes", $"{folder}/{name}")
            : Reading.Absent($"{folder}/{name} holds no number: '{text.Text}'");

        Reading Line(FileText text, string name, string key, string unit) =>
            text.Text is null ? Reading.Absent($"{folder}/{name}: {text.Error.Describe()}")
            : KeyedLines.Find(text.Text, key) is { } value ? Reading.Measured(value, unit, $"{folder}/{name} {key}")
            : Reading.Absent($"{folder}/{name} has no {key}");
    }

    /// <summary>cgroups(7): the line of v2 begins with <c>0::</c>; where it is mounted, mountinfo says.</summary>
    private static string? FindFolder(ISystemFiles files, string proc, out string why)
    {
        why = "";
        FileText groups = files.Read($"{proc}/cgroup");
        if (groups.Text is null)
        {
            why = $"{proc}/cgroup: {groups.Error.Describe()}";
            return null;
        }
        string? group = groups.Text.Split('\n').FirstOrDefault(line => line.StartsWith("0::", StringComparison.Ordinal))?[3..];
        if (group is null)
        {
            why = "this kernel has no cgroup v2";
            return null;
        }
        foreach (string line in (files.Read("/proc/self/mountinfo").Text ?? "").Split('\n'))
        {
            // proc(5): "… root mount-point options [optional] - type source super-options"
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash > 4 && dash + 1 < fields.Length && fields[dash + 1] == "cgroup2")
            {
                // The mount may show a part of the hierarchy only, as in a container that shares its host's namespace.
                string root = fields[3], below = root.Length > 1 && group.StartsWith(root, StringComparison.Ordinal) ? group[root.Length..] : group;
                return $"{fields[4]}{below}".TrimEnd('/');
            }
        }
        why = "no cgroup v2 hierarchy is mounted here";
        return null;
    }

    private static CgroupMemory None(string? folder, string why)
    {
        Reading absent = Reading.Absent(why);
        return new CgroupMemory { Folder = folder, Current = absent, Peak = absent, Anonymous = absent, File = absent, OutOfMemoryKills = absent };
    }
}

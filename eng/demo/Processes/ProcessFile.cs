using System.Diagnostics;
using System.Text.Json.Nodes;

namespace EdgeFleet.Demo.Processes;

/// <summary>
/// The processes of a demo that was left running. Each is named by pid and start time, so that a pid which the system has
/// given to another process since is never touched.
/// </summary>
internal static class ProcessFile
{
    public static void Write(string path, IEnumerable<(string Name, int Pid)> processes, IEnumerable<string> sockets) => File.WriteAllText(
        path,
        new JsonObject
        {
            ["processes"] = new JsonArray([.. processes.Select(process => new JsonObject
            {
                ["name"] = process.Name, ["pid"] = process.Pid, ["start"] = ProcessTable.StartOf(process.Pid),
            })]),
            ["sockets"] = new JsonArray([.. sockets.Select(socket => (JsonNode)socket)]),
        }.ToJsonString());

    /// <summary>Ends what the list names, and names what else works on the demo's folder: it was started by hand, and so it ends.</summary>
    /// <returns>1 while any of it is left.</returns>
    public static int StopAll(string path)
    {
        if (File.Exists(path))
        {
            JsonNode list = JsonNode.Parse(File.ReadAllText(path))!;
            foreach (JsonNode entry in list["processes"]!.AsArray().OfType<JsonNode>())
            {
                int pid = entry["pid"]!.GetValue<int>();
                if (entry["start"]?.GetValue<long>() is { } start && ProcessTable.StartOf(pid) == start)
                {
                    using Process process = Process.GetProcessById(pid);
                    process.Kill();
                    process.WaitForExit();
                    Console.WriteLine($"stopped {entry["name"]} (pid {pid})");
                }
            }
            foreach (JsonNode socket in list["sockets"]!.AsArray().OfType<JsonNode>())
            {
                File.Delete(socket.GetValue<string>());
            }
            File.Delete(path);
        }
        IReadOnlyList<(int Pid, string Command)> left = ProcessTable.NamingFolder(Path.GetDirectoryName(path)!);
        foreach ((int pid, string command) in left)
        {
            Console.WriteLine($"still running, not started by the demo: kill {pid}   # {command}");
        }
        return left.Count == 0 ? 0 : 1;
    }
}

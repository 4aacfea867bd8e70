using System.Diagnostics;
using System.Text.Json.Nodes;

namespace EdgeFleet.Demo.Processes;

/// <summary>
/// The processes of a demo that was left running. Each is named by pid and start time, so that a pid which the system has
/// given to another process since is never touched.
/// </summary>
internal static class ProcessFile
{
    public static void Write(string path, IEnumerable<(string Name, int Pid)> processes) => File.WriteAllText(
        path,
        new JsonArray([.. processes.Select(process => new JsonObject
        {
            ["name"] = process.Name, ["pid"] = process.Pid, ["start"] = ProcessTable.StartOf(process.Pid),
        })]).ToJsonString());

    public static int StopAll(string path)
    {
        if (!File.Exists(path))
        {
            return 0;
        }
        foreach (JsonNode entry in JsonNode.Parse(File.ReadAllText(path))!.AsArray().OfType<JsonNode>())
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
        File.Delete(path);
        return 0;
    }
}

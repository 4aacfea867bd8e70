using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace EdgeFleet.EndToEnd.Tests;

/// <summary>The arrows of ARCHITECTURE.md, read from the project files.</summary>
public sealed class ArchitectureTests
{
    /// <summary>Lower layers first; a project references only projects of layers before its own, or transports.</summary>
    private static readonly string[][] s_layers =
    [
        ["Core", "Grpc", "Mqtt"],
        ["Statistics", "Trust", "Onnx", "Linux"],
        ["Rollouts", "Inference"],
        ["Protocol", "Evaluation", "Measurement"],
        ["Compression"],
        ["Agent", "Controller"],
        ["Cli"],
    ];

    private static readonly string s_root = Checkout.Root;

    private static Dictionary<string, HashSet<string>> References() => Directory
        .EnumerateFiles(Path.Combine(s_root, "src"), "*.csproj", SearchOption.AllDirectories)
        .ToDictionary(Name, file => XDocument.Load(file).Descendants("ProjectReference")
            .Select(reference => Name((string)reference.Attribute("Include")!)).ToHashSet());

    private static string Name(string path) => Path.GetFileNameWithoutExtension(path.Replace('\\', '/')).Replace("EdgeFleet.", "", StringComparison.Ordinal);

    [Fact]
    public void Every_project_has_its_layer_and_arrows_point_down_only()
    {
        Dictionary<string, int> layerOf = s_layers.SelectMany((layer, index) => layer.Select(name => (name, index))).ToDictionary(x => x.name, x => x.index);
        List<string> wrong = [];
        foreach ((string project, HashSet<string> references) in References())
        {
            Assert.True(layerOf.ContainsKey(project), $"{project} has no layer here; add it to the map and to this test");
            wrong.AddRange(references.Where(layerOf.ContainsKey).Where(r => layerOf[r] >= layerOf[project]).Select(r => $"{project} -> {r}"));
        }
        Assert.Empty(wrong);
    }

    [Fact]
    public void Core_references_nothing() => Assert.Empty(References()["Core"]);

    [Fact]
    public void The_agent_and_the_controller_never_reference_each_other()
    {
        Dictionary<string, HashSet<string>> all = References();
        Assert.DoesNotContain("Controller", Reach(all, "Agent"));
        Assert.DoesNotContain("Agent", Reach(all, "Controller"));
    }

    [Fact]
    public void The_controller_never_loads_a_model()
    {
        HashSet<string> reach = Reach(References(), "Controller");
        Assert.DoesNotContain("Inference", reach);
        Assert.DoesNotContain("Microsoft.ML.OnnxRuntime", reach);
    }

    [Fact]
    public void Only_Inference_references_ONNX_Runtime() =>
        Assert.Equal(["Inference"], References().Where(pair => pair.Value.Contains("Microsoft.ML.OnnxRuntime")).Select(pair => pair.Key));

    [Fact]
    public void Pure_projects_open_no_file_socket_process_or_clock_of_their_own()
    {
        string[] banned = ["File.", "Directory.", "new FileStream", "Socket(", "HttpClient", "Process.Start", "DateTime.Now", "DateTime.UtcNow", "DateTimeOffset.UtcNow", "DateTimeOffset.Now", "Random.Shared", "Stopwatch."];
        List<string> found = [];
        foreach (string project in new[] { "Core", "Statistics", "Rollouts" })
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(s_root, "src", $"EdgeFleet.{project}"), "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)))
            {
                foreach (string line in File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)))
                {
                    found.AddRange(banned.Where(word => Regex.IsMatch(line, $@"(?<![A-Za-z]){Regex.Escape(word)}")).Select(word => $"{Path.GetFileName(file)}: {word}"));
                }
            }
        }
        Assert.Empty(found);
    }

    [Fact]
    public void Kernel_calls_live_in_one_project()
    {
        string[] offenders = [.. Directory.EnumerateFiles(Path.Combine(s_root, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("EdgeFleet.Linux/", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file).Contains("[LibraryImport", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(s_root, file))];
        Assert.Empty(offenders);
    }

    private static HashSet<string> Reach(Dictionary<string, HashSet<string>> all, string from)
    {
        HashSet<string> reach = [];
        Queue<string> open = new([from]);
        while (open.TryDequeue(out string? project))
        {
            foreach (string next in all.GetValueOrDefault(project, []).Where(reach.Add))
            {
                open.Enqueue(next);
            }
        }
        return reach;
    }
}

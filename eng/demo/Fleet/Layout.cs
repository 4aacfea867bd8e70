namespace EdgeFleet.Demo.Fleet;

/// <summary>Where a fleet on this machine keeps everything: one folder, below artifacts/demo of the checkout for the demo.</summary>
internal sealed class Layout
{
    private readonly string _configuration;

    public Layout(string repository, string configuration, string? root = null)
    {
        Repository = repository;
        _configuration = configuration;
        Root = root ?? Path.Combine(repository, "artifacts", "demo");
    }

    public string Repository { get; }
    public string Root { get; }
    public string Example => Path.Combine(Repository, "fleet", "examples", "fashion");
    public string Logs => Path.Combine(Root, "logs");
    public string Work => Path.Combine(Root, "work");
    public string Summary => Path.Combine(Root, "summary.json");
    public string ProcessList => Path.Combine(Root, "processes.json");
    public string ControllerData => Path.Combine(Root, "controller");

    public string Device(string id) => Path.Combine(Root, "devices", id);

    public string Executable(string project, string name) =>
        Path.Combine(Repository, "src", $"EdgeFleet.{project}", "bin", _configuration, "net10.0", $"{name}.dll");

    /// <summary>The checkout that this program was built in.</summary>
    public static Layout Find(string? root = null)
    {
        string folder = AppContext.BaseDirectory;
        string configuration = Directory.GetParent(folder.TrimEnd('/'))!.Name;
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "EdgeFleet.sln")))
            {
                return new Layout(at.FullName, configuration, root);
            }
        }
        throw new DemoFailedException($"'{folder}' is not inside a checkout of EdgeFleet");
    }
}

namespace EdgeFleet.Demo;

/// <summary>Where the demo keeps everything: below artifacts/demo of the checkout, so that one folder holds it all.</summary>
internal sealed class Layout
{
    private readonly string _configuration;

    public Layout(string repository, string configuration)
    {
        Repository = repository;
        _configuration = configuration;
        Root = Path.Combine(repository, "artifacts", "demo");
    }

    public string Repository { get; }
    public string Root { get; }
    public string Example => Path.Combine(Repository, "fleet", "examples", "fashion");
    public string Logs => Path.Combine(Root, "logs");
    public string Work => Path.Combine(Root, "work");
    public string Summary => Path.Combine(Root, "summary.json");
    public string ProcessList => Path.Combine(Root, "processes.json");
    public string ControllerData => Path.Combine(Root, "controller");

    /// <summary>Unix sockets have at most 107 characters of path, and a checkout may lie deep: they go to a short folder.</summary>
    public string Device(string id) => Path.Combine(Root, "devices", id);

    public string Executable(string project, string name) =>
        Path.Combine(Repository, "src", $"EdgeFleet.{project}", "bin", _configuration, "net10.0", $"{name}.dll");

    /// <summary>The checkout that this program was built in.</summary>
    public static Layout Find()
    {
        string folder = AppContext.BaseDirectory;
        string configuration = Directory.GetParent(folder.TrimEnd('/'))!.Name;
        for (DirectoryInfo? at = new(folder); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "EdgeFleet.sln")))
            {
                return new Layout(at.FullName, configuration);
            }
        }
        throw new DemoFailedException($"'{folder}' is not inside a checkout of EdgeFleet");
    }
}

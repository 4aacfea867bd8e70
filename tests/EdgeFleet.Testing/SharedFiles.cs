namespace EdgeFleet.Testing;

/// <summary>
/// Real models and data that may lie beside a checkout (../shared, or where EDGEFLEET_SHARED points) and are not part of
/// it. A test that uses them says nothing where they are absent, and something else covers the same code.
/// </summary>
public static class SharedFiles
{
    public static string? Folder { get; } = Find();

    /// <summary>The path of a file, or null where it is not there.</summary>
    public static string? Locate(string relative) =>
        Folder is { } folder && File.Exists(Path.Join(folder, relative)) ? Path.Join(folder, relative) : null;

    public static IReadOnlyList<string> List(string relativeFolder, string pattern) =>
        Folder is { } folder && Directory.Exists(Path.Join(folder, relativeFolder))
            ? [.. Directory.EnumerateFiles(Path.Join(folder, relativeFolder), pattern).Order(StringComparer.Ordinal)]
            : [];

    private static string? Find()
    {
        string? configured = Environment.GetEnvironmentVariable("EDGEFLEET_SHARED");
        string beside = Path.GetFullPath(Path.Join(Checkout.Root, "..", "shared"));
        return Directory.Exists(configured) ? configured : Directory.Exists(beside) ? beside : null;
    }
}

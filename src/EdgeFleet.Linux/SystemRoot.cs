namespace EdgeFleet.Linux;

/// <summary>
/// Where <c>/proc</c>, <c>/sys</c> and <c>/dev</c> are read. Tests pass a folder of captured files; what is missing there is
/// an absent reading, never zero.
/// </summary>
public sealed class SystemRoot(string path)
{
    public static SystemRoot Host { get; } = new("/");

    public string Path { get; } = path;

    public string Resolve(string absolutePath) => System.IO.Path.Join(Path, absolutePath.TrimStart('/'));

    /// <summary>The text of a small file without its trailing white space and NULs, or null where it is missing or cannot be read.</summary>
    public string? ReadText(string absolutePath)
    {
        try
        {
            return File.ReadAllText(Resolve(absolutePath)).TrimEnd('\0', '\n', '\r', ' ', '\t');
        }
        catch (Exception ex) when (ex is IOException or UnauthorizedAccessException)
        {
            // A sensor that went away between two reads and one that was never there are the same: absent.
            return null;
        }
    }
}

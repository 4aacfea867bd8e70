namespace EdgeFleet.Linux.SystemFiles;

/// <summary>What one read of a small kernel file answered: its text, or why there is none.</summary>
public readonly record struct FileText
{
    private FileText(string? text, Errno error) => (Text, Error) = (text, error);

    /// <summary>Without trailing white space and NULs; null when the read failed.</summary>
    public string? Text { get; }

    public Errno Error { get; }

    public static FileText Of(string text) => new(text, Errno.None);

    public static FileText Failed(Errno error) => new(null, error);
}

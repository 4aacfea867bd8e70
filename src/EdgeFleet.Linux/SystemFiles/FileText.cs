using System.Text;

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

    /// <summary>As a read of an open file answers: the bytes from the beginning, cut where the buffer ends.</summary>
    internal Errno CopyTo(Span<byte> buffer, out int count)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(Text ?? "");
        count = Math.Min(bytes.Length, buffer.Length);
        bytes.AsSpan(0, count).CopyTo(buffer);
        return Error;
    }
}

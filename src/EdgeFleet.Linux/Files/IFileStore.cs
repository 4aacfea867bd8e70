namespace EdgeFleet.Linux.Files;

/// <summary>
/// The file operations that state on a device is made of, no larger than what the kernel does in one call, so that a test
/// can cut the power between any two of them. Paths are absolute. Nothing is on disk before its flush: content by
/// <see cref="IStoredFile.Flush"/>, a name by <see cref="FlushDirectory"/> of the folder that holds it.
/// </summary>
public interface IFileStore
{
    bool Exists(string path);

    /// <summary>The length of a file, or null where there is none.</summary>
    long? Length(string path);

    /// <summary>The whole content of a small file, or null where there is none.</summary>
    byte[]? Read(string path);

    /// <summary>The names in a folder in ordinal order; none where there is no folder.</summary>
    IReadOnlyList<string> List(string directory);

    /// <summary>Makes one folder whose parent exists; one that is there already is left alone.</summary>
    void CreateDirectory(string path, UnixFileMode mode);

    /// <summary>
    /// Opens a file for reading and, where asked, writing. For writing it is made when it is not there;
    /// <paramref name="mode"/> counts only then.
    /// </summary>
    IStoredFile Open(string path, UnixFileMode mode, bool write = true);

    /// <summary>Replaces what is at <paramref name="to"/> in one step.</summary>
    void Rename(string from, string to);

    /// <summary>Gives a file a second name; a name that is there already is left alone.</summary>
    void HardLink(string existing, string path);

    void SymbolicLink(string target, string path);

    /// <summary>Where a symbolic link points, or null where there is none.</summary>
    string? ReadLink(string path);

    /// <summary>Removes a file or a link; one that is not there is no error.</summary>
    void Delete(string path);

    /// <summary>Removes a folder and what is in it; one that is not there is no error.</summary>
    void DeleteDirectory(string path);

    void SetMode(string path, UnixFileMode mode);

    /// <summary>Puts the names in a folder on disk.</summary>
    void FlushDirectory(string path);

    /// <summary>Bytes that may still be written below a folder.</summary>
    long AvailableBytes(string directory);
}

/// <summary>An open file.</summary>
public interface IStoredFile : IDisposable
{
    long Length { get; }

    void Write(ReadOnlySpan<byte> content, long offset);

    /// <summary>Reads until the span is full or the file ends; says how much.</summary>
    int Read(Span<byte> content, long offset);

    void SetLength(long length);

    /// <summary>Puts the content on disk.</summary>
    void Flush();
}

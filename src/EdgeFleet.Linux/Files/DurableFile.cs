namespace EdgeFleet.Linux.Files;

/// <summary>
/// Files that are either as they were or as they should be, whenever the power goes: written beside, flushed, renamed
/// into place, and the folder flushed. When a method returns, what it wrote is on disk.
/// </summary>
public static class DurableFile
{
    /// <summary>Names that begin so are leftovers of a write that did not end; anyone may delete them at start.</summary>
    public const string TemporaryPrefix = ".new-";

    public const UnixFileMode PublicMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    public const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes a whole small file on the host's own disk.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = PublicMode) =>
        Write(LinuxFileStore.Instance, path, content, mode);

    /// <summary>Writes a whole small file. A failed write leaves what was there before.</summary>
    public static void Write(IFileStore store, string path, ReadOnlySpan<byte> content, UnixFileMode mode = PublicMode)
    {
        string directory = DirectoryOf(path);
        // One writer per file is the rule here, so one temporary name per file is enough and a crash leaves at most one.
        string temporary = Path.Join(directory, TemporaryPrefix + Path.GetFileName(path));
        store.Delete(temporary);
        try
        {
            using (IStoredFile file = store.Open(temporary, mode))
            {
                file.Write(content, 0);
                file.Flush();
            }
            store.Rename(temporary, path);
        }
        catch (IOException)
        {
            // A full disk must not stay fuller for the attempt.
            store.Delete(temporary);
            throw;
        }
        store.FlushDirectory(directory);
    }

    /// <summary>Points a symbolic link at a new target in one step.</summary>
    public static void Link(IFileStore store, string path, string target)
    {
        string directory = DirectoryOf(path);
        string temporary = Path.Join(directory, TemporaryPrefix + Path.GetFileName(path));
        store.Delete(temporary);
        store.SymbolicLink(target, temporary);
        store.Rename(temporary, path);
        store.FlushDirectory(directory);
    }

    /// <summary>Removes a file and the name of it.</summary>
    public static void Delete(IFileStore store, string path)
    {
        if (store.Exists(path))
        {
            store.Delete(path);
            store.FlushDirectory(DirectoryOf(path));
        }
    }

    private static string DirectoryOf(string path) =>
        Path.GetDirectoryName(path) ?? throw new ArgumentException($"'{path}' has no folder.", nameof(path));
}

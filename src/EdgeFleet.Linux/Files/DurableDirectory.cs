namespace EdgeFleet.Linux.Files;

/// <summary>Folders that are still there after a power cut.</summary>
public static class DurableDirectory
{
    public const UnixFileMode PublicMode = PrivateMode
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    public const UnixFileMode PrivateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>Makes a folder with its parents and flushes each folder that got a new name.</summary>
    public static void Create(IFileStore store, string path, UnixFileMode mode = PublicMode)
    {
        if (store.Exists(path))
        {
            return;
        }
        string? parent = Path.GetDirectoryName(path.TrimEnd('/'));
        if (parent is not null)
        {
            Create(store, parent, PublicMode);
        }
        store.CreateDirectory(path, mode);
        if (parent is not null)
        {
            store.FlushDirectory(parent);
        }
    }
}

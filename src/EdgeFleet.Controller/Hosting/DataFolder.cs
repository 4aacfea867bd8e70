using EdgeFleet.Linux.Files;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// The controller's folder: store.db, content/, pki/, trust/, operator.token, endpoints.json. One process at a time holds it.
/// </summary>
internal sealed class DataFolder : IDisposable
{
    private readonly FileLease _lease;

    private DataFolder(string path, FileLease lease)
    {
        Path = path;
        _lease = lease;
    }

    public string Path { get; }
    public string StoreFile => System.IO.Path.Join(Path, "store.db");
    public string ContentFolder => System.IO.Path.Join(Path, "content");
    public string PkiFolder => System.IO.Path.Join(Path, "pki");
    public string TrustFolder => System.IO.Path.Join(Path, "trust");
    public string BrokerFolder => System.IO.Path.Join(Path, "broker");
    public string OperatorTokenFile => System.IO.Path.Join(Path, "operator.token");
    public string EndpointsFile => System.IO.Path.Join(Path, "endpoints.json");

    /// <exception cref="IOException">Another controller runs in the folder, or it cannot be written.</exception>
    public static DataFolder Open(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        DurableDirectory.Create(LinuxFileStore.Instance, full, DurableDirectory.PrivateMode);
        FileLease lease = FileLease.TryAcquire(System.IO.Path.Join(full, "lock"))
            ?? throw new IOException($"data folder '{full}': another controller runs in it");
        DataFolder folder = new(full, lease);
        // What an earlier process wrote there is no longer true; it is written again when all listeners answer.
        File.Delete(folder.EndpointsFile);
        return folder;
    }

    /// <summary>
    /// A folder with an operator's token or with content has had a database (an authority may have been brought). One that has
    /// lost it would begin as an empty fleet that knows none of its devices; whether it shall is for a person to say.
    /// </summary>
    /// <returns>True: a person has said so.</returns>
    /// <exception cref="InvalidDataException">The database is gone.</exception>
    public bool MayBeginAnew()
    {
        string asked = System.IO.Path.Join(Path, "store.new");
        bool isOld = File.Exists(OperatorTokenFile) || Directory.Exists(ContentFolder);
        if (!isOld || new FileInfo(StoreFile) is { Exists: true, Length: > 0 })
        {
            return false;
        }
        if (!File.Exists(asked))
        {
            throw new InvalidDataException(
                $"the database '{StoreFile}' is gone, though the folder is that of a fleet; restore a backup of it (fleet/deploy/README.md, Backup). "
                + $"Without one: create an empty file '{asked}' and start again; the fleet begins empty, and each device has to be enrolled anew with a new token (its models stay)");
        }
        File.Delete(asked);
        return true;
    }

    public void Dispose() => _lease.Dispose();
}

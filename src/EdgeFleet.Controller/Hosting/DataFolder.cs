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

    public void Dispose() => _lease.Dispose();
}

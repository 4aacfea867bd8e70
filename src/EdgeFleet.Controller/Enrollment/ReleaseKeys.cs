using System.Text.Json;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// The public release keys that devices are told to believe: every <c>*.pub</c> file (PEM) of the trust folder and the list in
/// <c>release-keys.json</c> (<c>{"keys": ["-----BEGIN PUBLIC KEY-----…"]}</c>). Read again when a file changes; the controller
/// holds no private one.
/// </summary>
internal sealed class ReleaseKeys
{
    private const string ListFile = "release-keys.json";
    private readonly string _folder;
    private readonly Lock _lock = new();
    private string _stamp = "";
    private IReadOnlyList<string> _pems = [];
    private ReleaseKeyRing _ring = ReleaseKeyRing.FromPem([]);

    public ReleaseKeys(string folder)
    {
        _folder = folder;
        DurableDirectory.Create(LinuxFileStore.Instance, folder);
    }

    /// <exception cref="FormatException">A file of the trust folder is not what it should be.</exception>
    public (IReadOnlyList<string> Pems, ReleaseKeyRing Ring) Current
    {
        get
        {
            lock (_lock)
            {
                FileInfo[] files = [.. new DirectoryInfo(_folder).GetFiles().Where(file => file.Extension == ".pub" || file.Name == ListFile).OrderBy(file => file.Name, StringComparer.Ordinal)];
                string stamp = string.Join('|', files.Select(file => $"{file.Name}:{file.LastWriteTimeUtc.Ticks}:{file.Length}"));
                if (stamp != _stamp)
                {
                    string[] pems = [.. files.SelectMany(Read).Distinct(StringComparer.Ordinal)];
                    _ring = ReleaseKeyRing.FromPem(pems);
                    (_pems, _stamp) = (pems, stamp);
                }
                return (_pems, _ring);
            }
        }
    }

    /// <summary>Adds a key and returns its id.</summary>
    /// <exception cref="FormatException">Not a P-256 public key.</exception>
    public string Add(string pem)
    {
        string id = ReleaseKeyRing.FromPem([pem]).KeyIds.Single();
        DurableFile.Write(Path.Join(_folder, $"{id[..16]}.pub"), System.Text.Encoding.ASCII.GetBytes(pem.Trim() + "\n"));
        return id;
    }

    private static IEnumerable<string> Read(FileInfo file)
    {
        string text = File.ReadAllText(file.FullName);
        if (file.Extension == ".pub")
        {
            return [text.Trim()];
        }
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return [.. document.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetString()?.Trim() ?? throw new FormatException($"'{file.FullName}': a key is null"))];
        }
        catch (Exception ex) when (ex is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"'{file.FullName}': expected {{\"keys\": [\"-----BEGIN PUBLIC KEY-----…\"]}}: {ex.Message}", ex);
        }
    }
}

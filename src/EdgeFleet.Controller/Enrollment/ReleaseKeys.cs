using System.Text.Json;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// The public release keys that devices are told to believe: every <c>*.pub</c> file (PEM) of the trust folder and the list in
/// <c>release-keys.json</c> (<c>{"keys": ["-----BEGIN PUBLIC KEY-----…"]}</c>). Read again when a file changes; the controller
/// holds no private one. A file that cannot be read, such as one that is just being copied, is a fault that is named; the keys
/// of the others hold.
/// </summary>
internal sealed partial class ReleaseKeys
{
    private const string ListFile = "release-keys.json";
    private readonly string _folder;
    private readonly ILogger<ReleaseKeys> _log;
    private readonly Lock _lock = new();
    private string _stamp = "";
    private ReleaseKeySet _current = new([], ReleaseKeyRing.FromPem([]), []);

    public ReleaseKeys(string folder, ILogger<ReleaseKeys> log)
    {
        _folder = folder;
        _log = log;
        DurableDirectory.Create(LinuxFileStore.Instance, folder);
    }

    public ReleaseKeySet Current
    {
        get
        {
            lock (_lock)
            {
                FileInfo[] files = [.. new DirectoryInfo(_folder).GetFiles().Where(file => file.Extension == ".pub" || file.Name == ListFile).OrderBy(file => file.Name, StringComparer.Ordinal)];
                string stamp = string.Join('|', files.Select(file => $"{file.Name}:{file.LastWriteTimeUtc.Ticks}:{file.Length}"));
                if (stamp != _stamp)
                {
                    _current = Read(files);
                    _stamp = stamp;
                    foreach (string fault in _current.Faults)
                    {
                        LogFault(fault);
                    }
                }
                return _current;
            }
        }
    }

    /// <summary>The id of a key that might be added.</summary>
    /// <exception cref="FormatException">Not a P-256 public key.</exception>
    public static string IdOf(string pem) => ReleaseKeyRing.FromPem([pem]).KeyIds.Single();

    /// <summary>Adds a key and returns its id.</summary>
    /// <exception cref="FormatException">Not a P-256 public key.</exception>
    public string Add(string pem)
    {
        string id = IdOf(pem);
        DurableFile.Write(Path.Join(_folder, $"{id[..16]}.pub"), System.Text.Encoding.ASCII.GetBytes(pem.Trim() + "\n"));
        return id;
    }

    private static ReleaseKeySet Read(FileInfo[] files)
    {
        List<string> pems = [];
        List<string> faults = [];
        foreach (FileInfo file in files)
        {
            try
            {
                string[] read = [.. Read(file)];
                ReleaseKeyRing.FromPem(read);
                pems.AddRange(read);
            }
            catch (Exception ex) when (ex is FormatException or IOException or UnauthorizedAccessException)
            {
                faults.Add($"'{file.FullName}': {ex.Message}");
            }
        }
        string[] keys = [.. pems.Distinct(StringComparer.Ordinal)];
        return new ReleaseKeySet(keys, ReleaseKeyRing.FromPem(keys), faults);
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
            return [.. document.RootElement.GetProperty("keys").EnumerateArray().Select(key => key.GetString()?.Trim() ?? throw new FormatException("a key is null"))];
        }
        catch (Exception ex) when (ex is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new FormatException($"expected {{\"keys\": [\"-----BEGIN PUBLIC KEY-----…\"]}}: {ex.Message}", ex);
        }
    }

    [LoggerMessage(EventId = 2041, Level = LogLevel.Error, Message = "A release key cannot be read and does not count; nobody is enrolled until it can: {Fault}")]
    private partial void LogFault(string fault);
}

/// <param name="Faults">Files that cannot be read, each with the reason.</param>
internal sealed record ReleaseKeySet(IReadOnlyList<string> Pems, ReleaseKeyRing Ring, IReadOnlyList<string> Faults);

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>
/// The device's key, certificate and root below <c>identity/</c>. A renewed pair is written to <c>identity/next/</c> and moved
/// over, the key first; a start that finds the certificate of a pair still there ends the move.
/// </summary>
public sealed class IdentityFiles(StateFolder state)
{
    private const string KeyName = "device.key";
    private const string ChainName = "device.pem";
    private const string RootName = "root.pem";
    private const string DocumentName = "enrollment.json";
    private readonly IFileStore _files = state.Files;
    private readonly IdentitySpare _spare = new(state);

    private string KeyPath => Path.Join(state.Identity, KeyName);
    private string ChainPath => Path.Join(state.Identity, ChainName);
    private string RootPath => Path.Join(state.Identity, RootName);
    private string DocumentPath => Path.Join(state.Identity, DocumentName);
    private string NextFolder => Path.Join(state.Identity, "next");
    private string NextKeyPath => Path.Join(NextFolder, KeyName);
    private string NextChainPath => Path.Join(NextFolder, ChainName);

    /// <summary>Null where the device is not enrolled, or where the document cannot be read: then it enrols again.</summary>
    public EnrollmentDocument? Document => StateFile.Read(
        _files, DocumentPath, EnrollmentDocumentJsonContext.Default.EnrollmentDocument,
        document => document.SchemaVersion, EnrollmentDocument.CurrentSchemaVersion, static (_, _) => { });

    /// <summary>The key that this device shows itself with; made on the first call and never again.</summary>
    public ECDsa LoadOrCreateKey()
    {
        // A renewal that stopped half-way comes first: its key is the one that the controller knows.
        FinishRenewal();
        ECDsa key = ECDsa.Create();
        if (_files.Read(KeyPath) is { } pem)
        {
            try
            {
                key.ImportFromPem(Encoding.UTF8.GetString(pem));
                return key;
            }
            catch (Exception ex) when (ex is CryptographicException or ArgumentException or PlatformNotSupportedException)
            {
                // A damaged key can do nothing any more; the controller asks an operator about the new one.
                StateFile.Quarantine(_files, KeyPath);
            }
        }
        key.GenerateKey(ECCurve.NamedCurves.nistP256);
        DurableFile.Write(_files, KeyPath, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()), DurableFile.PrivateMode);
        return key;
    }

    /// <summary>
    /// Reads everything as a start needs it. What cannot be read comes back from the spare copy; what can be is copied there.
    /// </summary>
    /// <returns>The files that came back, with what was wrong with them; none on a device that was never enrolled.</returns>
    /// <exception cref="DamagedIdentityException">A file cannot be read, and neither can its copy.</exception>
    public IReadOnlyList<string> Mend()
    {
        FinishRenewal();
        if (_spare.Matches(DocumentName, RootName, KeyName, ChainName))
        {
            // The start of every day: no key is opened and no chain is built for it.
            return [];
        }
        if (!_files.Exists(DocumentPath) && !_files.Exists(DocumentPath + ".bad") && _spare.Read(DocumentName) is null)
        {
            return [];
        }
        List<string> mended = [];
        Mend(mended, FaultOfDocument, DocumentName);
        Mend(mended, FaultOfCertificates, RootName, KeyName, ChainName);
        _spare.Keep(DocumentName, RootName, KeyName, ChainName);
        return mended;
    }

    public void Store(string chainPem, string rootPem, EnrollmentDocument document)
    {
        _spare.Forget();
        DurableFile.Write(_files, RootPath, Encoding.UTF8.GetBytes(rootPem));
        DurableFile.Write(_files, ChainPath, Encoding.UTF8.GetBytes(chainPem));
        StateFile.Write(_files, DocumentPath, document, EnrollmentDocumentJsonContext.Default.EnrollmentDocument);
    }

    /// <summary>Writes a renewed pair and takes it into use.</summary>
    public void Renew(ECDsa key, string chainPem)
    {
        // An earlier one that a failing disk stopped half-way comes first: its certificate must not meet this key.
        FinishRenewal();
        DurableDirectory.Create(_files, NextFolder, DurableDirectory.PrivateMode);
        DurableFile.Write(_files, NextKeyPath, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()), DurableFile.PrivateMode);
        DurableFile.Write(_files, NextChainPath, Encoding.UTF8.GetBytes(chainPem));
        FinishRenewal();
        // The controller knows the older key no more, so a copy of that is worth nothing.
        _spare.Keep(KeyName, ChainName);
    }

    /// <exception cref="FormatException">The files are not there or do not belong together.</exception>
    public PemIdentity LoadIdentity()
    {
        FinishRenewal();
        return PemIdentity.Load(Text(ChainPath), Text(KeyPath));
    }

    /// <summary>When the certificate on disk ends; null where none can be read. Changes nothing.</summary>
    public DateTimeOffset? NotAfter
    {
        get
        {
            try
            {
                using X509Certificate2? leaf = _files.Read(_files.Exists(NextChainPath) ? NextChainPath : ChainPath) is { } pem ? X509Certificate2.CreateFromPem(Encoding.UTF8.GetString(pem)) : null;
                return leaf?.NotAfter;
            }
            catch (CryptographicException)
            {
                // Damaged: nobody can say.
                return null;
            }
        }
    }

    /// <exception cref="FormatException">The file is not there.</exception>
    public string LoadRootPem() => Text(RootPath);

    /// <param name="fault">What is wrong with the files that it reads by name; null where nothing is.</param>
    private void Mend(List<string> mended, Func<Func<string, byte[]?>, string?> fault, params ReadOnlySpan<string> names)
    {
        if (fault(name => _files.Read(Path.Join(state.Identity, name))) is not { } found)
        {
            return;
        }
        if (fault(_spare.Read) is not null)
        {
            throw new DamagedIdentityException(
                $"'{state.Identity}': {found}, and there is no good copy; enrol this device anew: make a bundle with edgefleet device token --out FILE, "
                + $"then edgefleet-agent enroll --state {state.Root} --bundle FILE");
        }
        foreach (string name in names)
        {
            _spare.Restore(name);
        }
        mended.Add(found);
    }

    private static string? FaultOfDocument(Func<string, byte[]?> read) =>
        read(DocumentName) is not { } bytes ? $"'{DocumentName}' is missing"
        : Parse(bytes, out string reason) is null ? $"'{DocumentName}' is damaged ({reason})"
        : null;

    /// <summary>Root, key and certificate as a whole: a bit that flips in a signature still reads well.</summary>
    private string? FaultOfCertificates(Func<string, byte[]?> read)
    {
        if (new[] { RootName, KeyName, ChainName }.FirstOrDefault(name => read(name) is null) is { } absent)
        {
            return $"'{absent}' is missing";
        }
        string rootPem = Encoding.UTF8.GetString(read(RootName)!);
        try
        {
            using X509Certificate2 root = X509Certificate2.CreateFromPem(rootPem);
            string pin = Keys.Pin(root);
            if (Parse(_files.Read(DocumentPath)!, out _) is { } document && !pin.Equals(document.RootPin, StringComparison.OrdinalIgnoreCase))
            {
                return $"'{RootName}' has pin {pin}, the enrolment {document.RootPin}";
            }
            using PemIdentity identity = PemIdentity.Load(Encoding.UTF8.GetString(read(ChainName)!), Encoding.UTF8.GetString(read(KeyName)!));
            return RenewalAnswer.IsTrusted(identity, rootPem, new DateTimeOffset(identity.Leaf.NotAfter).AddSeconds(-1)) ? null : $"'{ChainName}' does not lead to '{RootName}'";
        }
        catch (CryptographicException ex)
        {
            return $"'{RootName}' is damaged ({ex.Message})";
        }
        catch (FormatException ex)
        {
            return $"'{KeyName}' or '{ChainName}' is damaged ({ex.Message})";
        }
    }

    private static EnrollmentDocument? Parse(byte[] bytes, out string reason) => StateFile.Parse(
        bytes, EnrollmentDocumentJsonContext.Default.EnrollmentDocument, document => document.SchemaVersion, EnrollmentDocument.CurrentSchemaVersion, out reason);

    private void FinishRenewal()
    {
        if (!_files.Exists(NextChainPath))
        {
            // A key alone is a renewal that was never answered.
            DurableFile.Delete(_files, NextKeyPath);
            return;
        }
        if (_files.Exists(NextKeyPath))
        {
            _files.Rename(NextKeyPath, KeyPath);
            _files.FlushDirectory(state.Identity);
            _files.FlushDirectory(NextFolder);
        }
        _files.Rename(NextChainPath, ChainPath);
        _files.FlushDirectory(state.Identity);
        _files.FlushDirectory(NextFolder);
    }

    private string Text(string path) => _files.Read(path) is { } bytes
        ? Encoding.UTF8.GetString(bytes)
        : throw new FormatException($"'{path}' is missing; enrol this device first");
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using EdgeFleet.Agent.State;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Agent.Enrollment;

/// <summary>
/// The device's key, certificate and root below <c>identity/</c>. A renewed pair is written to <c>identity/next/</c> and moved
/// over, the key first; a start that finds the certificate of a pair still there ends the move.
/// </summary>
public sealed class IdentityFiles(StateFolder state)
{
    private readonly IFileStore _files = state.Files;

    private string KeyPath => Path.Join(state.Identity, "device.key");
    private string ChainPath => Path.Join(state.Identity, "device.pem");
    private string RootPath => Path.Join(state.Identity, "root.pem");
    private string DocumentPath => Path.Join(state.Identity, "enrollment.json");
    private string NextFolder => Path.Join(state.Identity, "next");
    private string NextKeyPath => Path.Join(NextFolder, "device.key");
    private string NextChainPath => Path.Join(NextFolder, "device.pem");

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
            catch (Exception ex) when (ex is CryptographicException or ArgumentException)
            {
                // A damaged key can do nothing any more; the controller asks an operator about the new one.
                StateFile.Quarantine(_files, KeyPath);
            }
        }
        key.GenerateKey(ECCurve.NamedCurves.nistP256);
        DurableFile.Write(_files, KeyPath, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()), DurableFile.PrivateMode);
        return key;
    }

    public void Store(string chainPem, string rootPem, EnrollmentDocument document)
    {
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

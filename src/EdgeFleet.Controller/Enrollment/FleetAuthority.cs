using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Enrollment;

/// <summary>
/// The fleet's certificate authority on disk, and the identities that the controller itself uses. Made on the first start.
/// The root's key signs only the issuing authority: move <c>root.key</c> away from the machine after the first start, and back
/// for one start when the issuing authority is to be renewed.
/// </summary>
internal sealed class FleetAuthority : IDisposable
{
    private const string RootFile = "root.pem";
    private const string RootKeyFile = "root.key";
    private const string IssuerFile = "issuing.pem";
    private const string IssuerKeyFile = "issuing.key";

    /// <summary>The issuing authority is renewed from here on: many starts and many months before its end.</summary>
    private static readonly TimeSpan s_renewBefore = TimeSpan.FromDays(180);

    private readonly string _folder;
    private readonly string[] _names;
    private readonly TimeProvider _time;

    private FleetAuthority(string folder, string[] names, CertificateAuthority authority, TimeProvider time)
    {
        _folder = folder;
        _names = names;
        _time = time;
        Authority = authority;
        RootPem = authority.RootPem;
        RootPin = authority.RootPin;
        Roots = [X509Certificate2.CreateFromPem(RootPem)];
        Trust = new CertificateTrust(Roots, time);
        Server = new RenewedIdentity(() => authority.IssueServer("edgefleet-controller", names), time);
    }

    public CertificateAuthority Authority { get; }
    public string RootPem { get; }
    public string RootPin { get; }
    public X509Certificate2Collection Roots { get; }
    /// <summary>Judges client certificates of devices.</summary>
    public CertificateTrust Trust { get; }
    /// <summary>What the controller's listeners show.</summary>
    public RenewedIdentity Server { get; }
    public string RootPemFile => Path.Join(_folder, RootFile);

    public static FleetAuthority LoadOrCreate(string folder, string tenant, IReadOnlyList<string> names, TimeProvider time)
    {
        if (!Directory.Exists(folder))
        {
            Create(folder, tenant, time);
        }
        RenewIssuerIfDue(folder, time);
        CertificateAuthority authority = CertificateAuthority.Load(Read(RootFile), Read(IssuerFile), Read(IssuerKeyFile), time);
        return new FleetAuthority(folder, [.. names.Union(["localhost", "127.0.0.1", "::1", Environment.MachineName.ToLowerInvariant()])], authority, time);

        string Read(string name) => File.ReadAllText(Path.Join(folder, name));
    }

    /// <summary>When the issuing authority ends, where that is near and a start with the root's key is needed; else null.</summary>
    public DateTimeOffset? EndsSoon => IsDue(Authority.Issuer, _time) ? Authority.Issuer.NotAfter : null;

    /// <summary>Writes a new certificate and key for a broker; each start makes them anew.</summary>
    public (string ChainFile, string KeyFile) WriteBrokerIdentity() => Write("broker", Authority.IssueServer("edgefleet-broker", _names));

    /// <summary>For a program that listens to the fleet: <c>reader-NAME.pem</c> and <c>.key</c>, new at each start.</summary>
    public (string ChainFile, string KeyFile) WriteReaderIdentity(string name, string commonName) => Write($"reader-{name}", Authority.IssueClient(commonName));

    /// <summary>The client identity of the controller's own session at the broker.</summary>
    public RenewedIdentity CreateMqttIdentity(string commonName, TimeProvider time) => new(() => Authority.IssueClient(commonName), time);

    public void Dispose()
    {
        Server.Dispose();
        Authority.Dispose();
        foreach (X509Certificate2 root in Roots)
        {
            root.Dispose();
        }
    }

    private (string, string) Write(string name, ServerCertificate certificate)
    {
        string chain = Path.Join(_folder, name + ".pem");
        string key = Path.Join(_folder, name + ".key");
        DurableFile.Write(key, System.Text.Encoding.ASCII.GetBytes(certificate.KeyPem + "\n"), DurableFile.PrivateMode);
        DurableFile.Write(chain, System.Text.Encoding.ASCII.GetBytes(certificate.ChainPem));
        return (chain, key);
    }

    private static bool IsDue(X509Certificate2 issuer, TimeProvider time) => new DateTimeOffset(issuer.NotAfter) - s_renewBefore < time.GetUtcNow();

    /// <summary>At a start: everything that shows the issuing authority's certificate reads it there.</summary>
    private static void RenewIssuerIfDue(string folder, TimeProvider time)
    {
        string issuerFile = Path.Join(folder, IssuerFile);
        string rootKeyFile = Path.Join(folder, RootKeyFile);
        string issuerPem = File.ReadAllText(issuerFile);
        using X509Certificate2 issuer = X509Certificate2.CreateFromPem(issuerPem);
        if (IsDue(issuer, time) && File.Exists(rootKeyFile))
        {
            string renewed = CertificateAuthority.RenewIssuer(File.ReadAllText(Path.Join(folder, RootFile)), File.ReadAllText(rootKeyFile), issuerPem, time);
            DurableFile.Write(issuerFile, System.Text.Encoding.ASCII.GetBytes(renewed + "\n"));
        }
    }

    private static void Create(string folder, string tenant, TimeProvider time)
    {
        // In a folder beside it, renamed into place: a power cut leaves a whole authority or none.
        AuthorityFiles files = CertificateAuthority.Create($"EdgeFleet {tenant}", time);
        string making = folder + ".new";
        if (Directory.Exists(making))
        {
            Directory.Delete(making, recursive: true);
        }
        DurableDirectory.Create(LinuxFileStore.Instance, making, DurableDirectory.PrivateMode);
        Put(RootFile, files.RootPem, DurableFile.PublicMode);
        Put(RootKeyFile, files.RootKeyPem, DurableFile.PrivateMode);
        Put(IssuerFile, files.IssuerPem, DurableFile.PublicMode);
        Put(IssuerKeyFile, files.IssuerKeyPem, DurableFile.PrivateMode);
        Directory.Move(making, folder);
        LinuxFileStore.Instance.FlushDirectory(Path.GetDirectoryName(folder)!);

        void Put(string name, string pem, UnixFileMode mode) =>
            DurableFile.Write(Path.Join(making, name), System.Text.Encoding.ASCII.GetBytes(pem + "\n"), mode);
    }
}

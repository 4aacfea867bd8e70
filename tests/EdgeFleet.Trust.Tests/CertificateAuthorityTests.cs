using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Trust.Tests;

public sealed class CertificateAuthorityTests : IDisposable
{
    private readonly AuthorityFiles _files = CertificateAuthority.Create("test fleet", TimeProvider.System);
    private readonly CertificateAuthority _authority;
    private readonly ECDsa _deviceKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public CertificateAuthorityTests() => _authority = CertificateAuthority.Load(_files.RootPem, _files.IssuerPem, _files.IssuerKeyPem, TimeProvider.System);

    public void Dispose()
    {
        _authority.Dispose();
        _deviceKey.Dispose();
    }

    private CertificateTrust Trust(TimeProvider? time = null, DateTimeOffset floor = default) => CertificateTrust.FromPem(_files.RootPem, time ?? TimeProvider.System, floor);

    private PemIdentity Device(string id) => PemIdentity.Load(
        _authority.IssueDevice(id, CertificateRequests.Create(_deviceKey, "whatever")).ChainPem, _deviceKey.ExportPkcs8PrivateKeyPem());

    private X509Chain Presented()
    {
        X509Chain chain = new();
        chain.ChainPolicy.ExtraStore.Add(_authority.Issuer);
        return chain;
    }

    [Fact]
    public void A_device_certificate_names_the_device_that_the_authority_chose_not_the_one_asked_for()
    {
        using PemIdentity device = Device("camera-7");

        Assert.Equal("camera-7", device.CommonName);
        Assert.True(Trust().AcceptsClient(device.Leaf, Presented()));
    }

    [Fact]
    public void A_device_certificate_is_not_a_server_certificate_nor_the_other_way_round()
    {
        using PemIdentity device = Device("camera-7");
        ServerCertificate issued = _authority.IssueServer("controller", ["localhost", "127.0.0.1"]);
        using PemIdentity server = PemIdentity.Load(issued.ChainPem, issued.KeyPem);

        Assert.True(Trust().AcceptsServer(server.Leaf, Presented(), SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.False(Trust().AcceptsServer(device.Leaf, Presented(), SslPolicyErrors.None));
        Assert.False(Trust().AcceptsClient(server.Leaf, Presented()));
    }

    [Fact]
    public void A_server_with_another_name_is_refused_though_its_chain_is_good()
    {
        ServerCertificate issued = _authority.IssueServer("controller", ["localhost"]);
        using PemIdentity server = PemIdentity.Load(issued.ChainPem, issued.KeyPem);

        Assert.False(Trust().AcceptsServer(server.Leaf, Presented(), SslPolicyErrors.RemoteCertificateNameMismatch));
    }

    [Fact]
    public void A_certificate_of_another_fleet_is_refused()
    {
        AuthorityFiles other = CertificateAuthority.Create("other fleet", TimeProvider.System);
        using CertificateAuthority foreign = CertificateAuthority.Load(other.RootPem, other.IssuerPem, other.IssuerKeyPem, TimeProvider.System);
        using PemIdentity device = PemIdentity.Load(
            foreign.IssueDevice("camera-7", CertificateRequests.Create(_deviceKey, "camera-7")).ChainPem, _deviceKey.ExportPkcs8PrivateKeyPem());
        using X509Chain chain = new();
        chain.ChainPolicy.ExtraStore.Add(foreign.Issuer);

        Assert.False(Trust().AcceptsClient(device.Leaf, chain));
    }

    [Fact]
    public void A_device_whose_clock_stands_at_1970_still_knows_its_controller_by_the_floor()
    {
        ServerCertificate issued = _authority.IssueServer("controller", ["localhost"]);
        using PemIdentity server = PemIdentity.Load(issued.ChainPem, issued.KeyPem);
        FixedTime epoch = new(DateTimeOffset.UnixEpoch);

        Assert.False(Trust(epoch).AcceptsServer(server.Leaf, Presented(), SslPolicyErrors.None));
        Assert.True(Trust(epoch, DateTimeOffset.UtcNow).AcceptsServer(server.Leaf, Presented(), SslPolicyErrors.None));
    }

    [Fact]
    public void Mutated_requests_are_refused_with_one_kind_of_error_and_never_become_another_key()
    {
        byte[] request = CertificateRequests.Create(_deviceKey, "camera-7");
        string honest = CertificateRequests.PublicKeyId(request);
        Random random = new(42);
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] mutant = [.. request];
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                mutant[random.Next(mutant.Length)] ^= (byte)(1 << random.Next(8));
            }
            try
            {
                // A flip may hit what is not signed over or an ignored field; then the key must still be the honest one.
                Assert.Equal(honest, CertificateRequests.PublicKeyId(mutant));
            }
            catch (FormatException)
            {
                refused++;
            }
        }
        Assert.True(refused > 1500, $"only {refused} of 2000 mutants were refused");
    }

    [Fact]
    public void A_request_with_another_kind_of_key_is_refused()
    {
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<FormatException>(() => _authority.IssueDevice("camera-7", CertificateRequests.Create(p384, "camera-7")));
        Assert.Throws<FormatException>(() => _authority.IssueDevice("camera-7", new byte[CertificateRequests.MaximumBytes + 1]));
        Assert.Throws<FormatException>(() => _authority.IssueDevice("camera-7", []));
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}

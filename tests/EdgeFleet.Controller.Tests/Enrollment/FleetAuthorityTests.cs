using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;

namespace EdgeFleet.Controller.Tests.Enrollment;

/// <summary>The issuing authority lives two years; the fleet lives longer.</summary>
public sealed class FleetAuthorityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    private FleetAuthority Load() => FleetAuthority.LoadOrCreate(_folder["pki"], "default", ["localhost"], _time);

    [Fact]
    public void An_issuing_authority_in_its_last_months_is_renewed_at_a_start_and_what_it_issued_before_stays_good()
    {
        string pin, before;
        using (FleetAuthority first = Load())
        {
            pin = first.RootPin;
            Assert.Null(first.EndsSoon);
        }
        _time.Advance(TimeSpan.FromDays(540));
        using (FleetAuthority unchanged = Load())
        {
            Assert.Null(unchanged.EndsSoon);
        }
        _time.Advance(TimeSpan.FromDays(20));
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        File.Move(_folder["pki/root.key"], _folder["root.key"]);
        using (FleetAuthority alone = Load())
        {
            // Without the root's key nothing can be done but say it.
            Assert.NotNull(alone.EndsSoon);
            before = alone.Authority.IssueDevice("dev-1", CertificateRequests.Create(key, "dev-1")).ChainPem;
        }
        File.Move(_folder["root.key"], _folder["pki/root.key"]);

        using FleetAuthority renewed = Load();
        Assert.Null(renewed.EndsSoon);
        Assert.Equal(pin, renewed.RootPin);
        Assert.Equal(_time.GetUtcNow().AddDays(731).UtcDateTime, renewed.Authority.Issuer.NotAfter.ToUniversalTime(), TimeSpan.FromSeconds(2));
        string after = renewed.Authority.IssueDevice("dev-1", CertificateRequests.Create(key, "dev-1")).ChainPem;
        Assert.True(Accepts(renewed, before));
        Assert.True(Accepts(renewed, after));
        // Far beyond the end of the first one.
        _time.Advance(TimeSpan.FromDays(400));
        Assert.True(Accepts(renewed, renewed.Authority.IssueDevice("dev-1", CertificateRequests.Create(key, "dev-1")).ChainPem));
    }

    [Fact]
    public void A_certificate_that_the_issuer_can_give_little_time_is_issued_once_an_hour_and_not_at_each_handshake()
    {
        using FleetAuthority authority = Load();
        int issued = 0;
        _time.Advance(TimeSpan.FromDays(731 - 5));
        using RenewedIdentity identity = new(
            () =>
            {
                issued++;
                return authority.Authority.IssueServer("x", ["localhost"]);
            },
            _time);
        for (int handshake = 0; handshake < 100; handshake++)
        {
            Assert.NotNull(identity.Current);
        }
        Assert.Equal(1, issued);
        _time.Advance(TimeSpan.FromMinutes(61));
        Assert.NotNull(identity.Current);
        Assert.Equal(2, issued);
    }

    private static bool Accepts(FleetAuthority authority, string chainPem)
    {
        X509Certificate2Collection chain = [];
        chain.ImportFromPem(chainPem);
        using X509Chain presented = new();
        presented.ChainPolicy.ExtraStore.Add(chain[1]);
        return authority.Trust.AcceptsClient(chain[0], presented);
    }
}

using System.Text;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Enrollment;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Trust.Tests;

public sealed class EnrollmentTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly TokenGrant s_open = new(null, 1, s_now.AddMinutes(15), AutoApprove: false);

    private static EnrollmentDecision Decide(TokenGrant? grant, KnownDevice? device = null, string key = "key-1") =>
        EnrollmentRules.Decide(grant, device, "camera-7", key, s_now);

    [Fact]
    public void A_fresh_token_admits_a_new_device_to_wait_for_approval() =>
        Assert.Equal(new EnrollmentDecision.Admit(Approved: false), Decide(s_open));

    [Fact]
    public void A_token_that_approves_by_itself_admits_at_once() =>
        Assert.Equal(new EnrollmentDecision.Admit(Approved: true), Decide(s_open with { AutoApprove = true }));

    [Fact]
    public void The_same_key_with_the_same_token_gets_the_same_answer_even_when_the_token_is_used_up_and_expired() =>
        Assert.Equal(
            new EnrollmentDecision.Repeat(Approved: true),
            Decide(s_open with { UsesLeft = 0, ExpiresAt = s_now.AddHours(-1) }, new KnownDevice("key-1", ByThisToken: true, Approved: true, Revoked: false)));

    [Fact]
    public void Another_key_for_a_known_name_is_refused_with_an_alarm() =>
        Assert.True(Assert.IsType<EnrollmentDecision.Refuse>(
            Decide(s_open, new KnownDevice("key-1", ByThisToken: false, Approved: true, Revoked: false), key: "key-2")).Alarm);

    [Theory, InlineData(true), InlineData(false)]
    public void The_same_key_with_a_new_token_is_let_in_again_as_what_it_was(bool approved) =>
        Assert.Equal(new EnrollmentDecision.Readmit(approved), Decide(s_open, new KnownDevice("key-1", ByThisToken: false, approved, Revoked: false)));

    [Fact]
    public void The_same_key_with_the_used_token_of_another_is_refused() =>
        Assert.IsType<EnrollmentDecision.Refuse>(Decide(s_open with { UsesLeft = 0 }, new KnownDevice("key-1", ByThisToken: false, Approved: true, Revoked: false)));

    [Theory]
    [InlineData("unknown")]
    [InlineData("used")]
    [InlineData("expired")]
    [InlineData("bound to another")]
    [InlineData("revoked device")]
    public void What_may_not_enrol_is_refused_with_a_reason(string what)
    {
        EnrollmentDecision decision = what switch
        {
            "unknown" => Decide(null),
            "used" => Decide(s_open with { UsesLeft = 0 }),
            "expired" => Decide(s_open with { ExpiresAt = s_now }),
            "bound to another" => Decide(s_open with { DeviceId = "camera-8" }),
            _ => Decide(s_open, new KnownDevice("key-1", ByThisToken: true, Approved: true, Revoked: true)),
        };
        Assert.NotEmpty(Assert.IsType<EnrollmentDecision.Refuse>(decision).Reason);
    }

    [Fact]
    public void A_token_is_known_by_its_hash_and_other_texts_have_none()
    {
        string token = EnrollmentToken.Create();

        Assert.Equal(64, EnrollmentToken.Hash(token)!.Length);
        Assert.NotEqual(EnrollmentToken.Hash(token), EnrollmentToken.Hash(EnrollmentToken.Create()));
        Assert.Null(EnrollmentToken.Hash("eft1.short"));
        Assert.Null(EnrollmentToken.Hash(token + "x"));
        Assert.Null(EnrollmentToken.Hash(""));
    }

    [Fact]
    public void A_bundle_whose_root_is_not_the_pinned_one_is_refused()
    {
        AuthorityFiles files = CertificateAuthority.Create("test fleet", TimeProvider.System);
        using CertificateAuthority authority = CertificateAuthority.Load(files.RootPem, files.IssuerPem, files.IssuerKeyPem, TimeProvider.System);
        EnrollmentBundle bundle = new() { EnrollUrl = "https://localhost:1", Token = EnrollmentToken.Create(), RootPem = files.RootPem, RootPin = authority.RootPin };

        Assert.Equal(bundle, EnrollmentBundle.FromBytes(bundle.ToBytes()));
        using ReleaseKey key = ReleaseKey.Create();
        Assert.Equal([key.PublicPem()], EnrollmentBundle.FromBytes((bundle with { ReleaseKeys = [key.PublicPem()] }).ToBytes()).ReleaseKeys);
        Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes((bundle with { ReleaseKeys = [] }).ToBytes()));
        Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes((bundle with { ReleaseKeys = ["-----BEGIN"] }).ToBytes()));
        Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes((bundle with { RootPin = new string('0', 64) }).ToBytes()));
        Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes((bundle with { EnrollUrl = "http://localhost:1" }).ToBytes()));
        Assert.Throws<FormatException>(() => EnrollmentBundle.FromBytes(Encoding.UTF8.GetBytes("[]")));
    }
}

using System.Security.Cryptography;
using System.Text;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Trust.Tests;

public sealed class DsseEnvelopeTests : IDisposable
{
    private const string PayloadType = "application/vnd.example+json";
    private static readonly byte[] s_payload = "{\"model\":\"fashion\"}"u8.ToArray();
    private readonly ReleaseKey _key = ReleaseKey.Create();

    public void Dispose() => _key.Dispose();

    private ReleaseKeyRing Ring => ReleaseKeyRing.FromPem([_key.PublicPem()]);

    [Fact]
    public void An_envelope_signed_by_a_trusted_key_is_verified_after_a_round_trip()
    {
        DsseEnvelope read = DsseEnvelope.Parse(DsseEnvelope.Sign(PayloadType, s_payload, _key).ToBytes());

        Assert.Equal(new VerificationResult.Verified(_key.KeyId), read.Verify(PayloadType, Ring));
        Assert.Equal(s_payload, read.Payload.ToArray());
    }

    [Fact]
    public void The_signed_bytes_are_the_encoding_of_the_DSSE_specification()
    {
        byte[] pae = DsseEnvelope.PreAuthenticationEncoding("http://example.com/HelloWorld", "hello world"u8);

        Assert.Equal("DSSEv1 29 http://example.com/HelloWorld 11 hello world", Encoding.ASCII.GetString(pae));
    }

    [Fact]
    public void The_signature_can_be_checked_by_anyone_with_the_public_key_and_plain_ECDSA()
    {
        DsseEnvelope envelope = DsseEnvelope.Sign(PayloadType, s_payload, _key);
        using ECDsa other = ECDsa.Create();
        other.ImportFromPem(_key.PublicPem());

        Assert.True(other.VerifyData(
            DsseEnvelope.PreAuthenticationEncoding(PayloadType, s_payload), envelope.Signatures[0].Signature,
            HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    [Fact]
    public void No_flip_of_a_bit_of_payload_or_signature_is_verified()
    {
        DsseEnvelope envelope = DsseEnvelope.Sign(PayloadType, s_payload, _key);
        byte[] json = envelope.ToBytes();
        int accepted = 0;
        for (int i = 0; i < json.Length; i++)
        {
            byte[] broken = [.. json];
            broken[i] ^= 1;
            try
            {
                DsseEnvelope read = DsseEnvelope.Parse(broken);
                // The last base64 digit before padding carries unused bits: what counts is that nothing else is believed.
                if (read.Verify(PayloadType, Ring) is VerificationResult.Verified && !read.Payload.Span.SequenceEqual(s_payload))
                {
                    accepted++;
                }
            }
            catch (FormatException)
            {
                // Refused before any signature was looked at, which is as good.
            }
        }
        Assert.Equal(0, accepted);
    }

    [Fact]
    public void A_stranger_s_signature_names_the_signer_and_whom_the_device_trusts()
    {
        using ReleaseKey stranger = ReleaseKey.Create();
        DsseEnvelope envelope = DsseEnvelope.Sign(PayloadType, s_payload, stranger);

        VerificationResult.Rejected rejected = Assert.IsType<VerificationResult.Rejected>(envelope.Verify(PayloadType, Ring));

        Assert.Equal(RejectionReason.UnknownKey, rejected.Reason);
        Assert.Contains(stranger.KeyId[..12], rejected.Detail, StringComparison.Ordinal);
        Assert.Contains(_key.KeyId[..12], rejected.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_payload_of_another_type_is_refused_though_the_signature_is_good()
    {
        DsseEnvelope envelope = DsseEnvelope.Sign("text/plain", s_payload, _key);

        VerificationResult.Rejected rejected = Assert.IsType<VerificationResult.Rejected>(envelope.Verify(PayloadType, Ring));
        Assert.Equal(RejectionReason.PayloadType, rejected.Reason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"payloadType\":\"t\",\"payload\":\"!\",\"signatures\":[{\"keyid\":\"k\",\"sig\":\"AA==\"}]}")]
    [InlineData("{\"payloadType\":\"t\",\"payload\":\"AA==\",\"signatures\":[]}")]
    [InlineData("{\"payloadType\":\"t\",\"payload\":\"AA==\",\"payload\":\"BB==\",\"signatures\":[{\"keyid\":\"k\",\"sig\":\"AA==\"}]}")]
    public void What_is_not_an_envelope_is_refused_with_a_sentence(string json)
    {
        FormatException error = Assert.Throws<FormatException>(() => DsseEnvelope.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.StartsWith("envelope:", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_release_key_survives_a_passphrase_and_refuses_a_wrong_one()
    {
        string pem = _key.ToPem("correct horse");

        using ReleaseKey read = ReleaseKey.FromPem(pem, "correct horse");
        Assert.Equal(_key.KeyId, read.KeyId);
        Assert.Throws<FormatException>(() => ReleaseKey.FromPem(pem, "wrong"));
        Assert.Throws<FormatException>(() => ReleaseKey.FromPem("nonsense"));
        Assert.Throws<FormatException>(() => ReleaseKey.FromPem(read.PublicPem()));
    }
}

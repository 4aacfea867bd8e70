using System.Text.Json;

namespace EdgeFleet.Core.Tests;

public sealed class DigestTests
{
    // FIPS 180-4's example: SHA-256 of "abc".
    private const string Abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    [Fact]
    public void A_digest_is_the_SHA_256_of_the_bytes_in_its_text_form() =>
        Assert.Equal($"sha256:{Abc}", Digest.Of("abc"u8).ToString());

    [Fact]
    public void Its_text_is_read_with_and_without_the_prefix()
    {
        Assert.Equal(Digest.Of("abc"u8), Digest.Parse($"sha256:{Abc}"));
        Assert.Equal(Digest.Of("abc"u8), Digest.Parse(Abc));
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256:")]
    [InlineData("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD")]
    [InlineData("md5:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")]
    [InlineData("sha256:../../../etc/passwd")]
    public void Other_texts_are_no_digests_and_the_error_names_them(string text)
    {
        Assert.False(Digest.TryParse(text, out _));
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => Digest.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void JSON_holds_the_text_form_and_refuses_anything_else()
    {
        Digest digest = Digest.Of("abc"u8);
        Assert.Equal($"\"sha256:{Abc}\"", JsonSerializer.Serialize(digest));
        Assert.Equal(digest, JsonSerializer.Deserialize<Digest>($"\"sha256:{Abc}\""));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Digest>("\"abc\""));
    }

    [Fact]
    public void A_digest_that_was_never_set_says_so_instead_of_being_an_empty_name()
    {
        Assert.False(default(Digest).IsSet);
        Assert.Throws<InvalidOperationException>(() => default(Digest).Hex);
    }
}

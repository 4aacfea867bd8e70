using FsCheck;
using FsCheck.Fluent;
using Grpc.Core.Wire;

namespace EdgeFleet.Grpc.Tests.Wire;

public sealed class StatusMessageTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("plain text, ~ and all", "plain text, ~ and all")]
    [InlineData("100 %", "100 %25")]
    [InlineData("a\r\nb", "a%0D%0Ab")]
    [InlineData("grüß 🐑", "gr%C3%BC%C3%9F %F0%9F%90%91")]
    public void Text_is_escaped_where_a_header_cannot_hold_it(string text, string encoded)
    {
        Assert.Equal(encoded, StatusMessage.Encode(text));
        Assert.Equal(text, StatusMessage.Decode(encoded));
    }

    [Theory]
    [InlineData("%", "%")]
    [InlineData("%4", "%4")]
    [InlineData("%zz", "%zz")]
    [InlineData("%%41", "%A")]
    [InlineData("100%", "100%")]
    [InlineData("%c3%bc", "ü")]
    [InlineData("%FF", "\uFFFD")]
    [InlineData("ü%41", "üA")]
    public void What_others_escape_badly_stays_readable(string encoded, string text) => Assert.Equal(text, StatusMessage.Decode(encoded));

    [Fact]
    public void Any_text_comes_back_and_travels_as_printable_ASCII() =>
        Prop.ForAll(ArbMap.Default.ArbFor<NonNull<string>>(), text =>
        {
            // A half surrogate has no UTF-8 form; everything else has.
            string wellFormed = System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(text.Get));
            string encoded = StatusMessage.Encode(wellFormed);
            Assert.All(encoded, c => Assert.InRange(c, ' ', '~'));
            Assert.Equal(wellFormed, StatusMessage.Decode(encoded));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_header_is_decoded_without_throwing() =>
        Prop.ForAll(
            Gen.Elements("%", "%4", "41", "%C3", "%BC", "é", "\n", "x").ListOf().Select(string.Concat).ToArbitrary(),
            header => Assert.NotNull(StatusMessage.Decode(header))).QuickCheckThrowOnFailure();
}

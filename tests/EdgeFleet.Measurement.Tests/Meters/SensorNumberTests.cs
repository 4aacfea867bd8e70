using System.Text;
using EdgeFleet.Measurement.Meters;

namespace EdgeFleet.Measurement.Tests.Meters;

public sealed class SensorNumberTests
{
    [Theory]
    [InlineData("4984\n", 4984)]
    [InlineData("  -5  ", -5)]
    [InlineData("32760 ma", 32760)]
    [InlineData("0\0\0", 0)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void An_integer_is_the_first_word(string text, long expected)
    {
        Assert.True(SensorNumber.TryParse(Encoding.UTF8.GetBytes(text), out long value));
        Assert.Equal(expected, value);
    }

    [Theory, InlineData(""), InlineData("\n"), InlineData("NaN"), InlineData("4.9"), InlineData("0x10"), InlineData("ma 5"), InlineData("12ma"),
        InlineData("9223372036854775808"), InlineData("<not supported>"), InlineData("-")]
    public void Anything_else_is_none(string text) => Assert.False(SensorNumber.TryParse(Encoding.UTF8.GetBytes(text), out _));
}

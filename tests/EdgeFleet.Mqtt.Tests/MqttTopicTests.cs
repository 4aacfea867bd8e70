namespace EdgeFleet.Mqtt.Tests;

public sealed class MqttTopicTests
{
    [Theory]
    [InlineData("a", "a", true)]
    [InlineData("a", "b", false)]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "a", false)]
    [InlineData("a", "a/b", false)]
    [InlineData("+", "a", true)]
    [InlineData("+", "a/b", false)]
    [InlineData("+", "", true)]
    [InlineData("+/+", "/a", true)]
    [InlineData("/+", "/a", true)]
    [InlineData("+", "/a", false)]
    [InlineData("a/+/c", "a/b/c", true)]
    [InlineData("a/+/c", "a//c", true)]
    [InlineData("a/+/c", "a/b/d", false)]
    [InlineData("a/+", "a", false)]
    [InlineData("a/+", "a/", true)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("#", "/", true)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "a/", true)]
    [InlineData("a/#", "a/b/c", true)]
    [InlineData("a/#", "ab", false)]
    [InlineData("+/b/#", "a/b", true)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("$share/group/a/+", "a/b", true)]
    [InlineData("$share/group/a/+", "b/a", false)]
    [InlineData("$share/group/#", "a", true)]
    [InlineData("$share/group/#", "$SYS/x", false)]
    [InlineData("a", "A", false)]
    public void A_filter_matches_by_the_rules_of_the_specification(string filter, string topic, bool expected) =>
        Assert.Equal(expected, MqttTopic.Matches(filter, topic));

    [Theory]
    [InlineData("a")]
    [InlineData("/")]
    [InlineData("+")]
    [InlineData("#")]
    [InlineData("a/+/b/#")]
    [InlineData("+/+")]
    [InlineData("$share/g/a/#")]
    [InlineData("$share/g//")]
    [InlineData("$SYS/#")]
    public void A_right_filter_has_no_fault(string filter) => Assert.Null(MqttTopic.FilterFault(filter));

    [Theory]
    [InlineData("")]
    [InlineData("a#")]
    [InlineData("a/#/b")]
    [InlineData("#/")]
    [InlineData("a+/b")]
    [InlineData("a/b+")]
    [InlineData("++")]
    [InlineData("a\0")]
    [InlineData("$share/")]
    [InlineData("$share/g")]
    [InlineData("$share/g/")]
    [InlineData("$share//a")]
    [InlineData("$share/g+/a")]
    public void A_wrong_filter_is_named(string filter) => Assert.NotNull(MqttTopic.FilterFault(filter));

    [Fact]
    public void Topics_end_at_65535_bytes()
    {
        Assert.Null(MqttTopic.NameFault(new string('a', 65535)));
        Assert.NotNull(MqttTopic.NameFault(new string('a', 65536)));
        Assert.NotNull(MqttTopic.NameFault(new string('ü', 32768)));
    }
}

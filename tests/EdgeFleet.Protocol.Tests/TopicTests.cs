using EdgeFleet.Core;
using Google.Protobuf.Reflection;

namespace EdgeFleet.Protocol.Tests;

public sealed class TopicTests
{
    private static readonly Topics s_topics = new("default", "camera-7");

    [Fact]
    public void Topics_are_those_of_the_contract()
    {
        string hex = Digest.Of("x"u8).Hex;
        Assert.Equal("edgefleet/v1/default/camera-7/presence", s_topics.Presence);
        Assert.Equal("edgefleet/v1/default/camera-7/reported", s_topics.Reported);
        Assert.Equal("edgefleet/v1/default/camera-7/deployment/fashion-r1", s_topics.Deployment("fashion-r1"));
        Assert.Equal("edgefleet/v1/default/camera-7/event/gap", s_topics.Event("gap"));
        Assert.Equal($"edgefleet/v1/default/camera-7/bench/{hex}", s_topics.Bench(Digest.Of("x"u8)));
        Assert.Equal($"edgefleet/v1/default/camera-7/shadow/{hex}", s_topics.Shadow(Digest.Of("x"u8)));
        Assert.Equal("edgefleet/v1/default/camera-7/metric", s_topics.Metric);
    }

    [Fact]
    public void A_content_type_names_its_message_as_the_contract_does()
    {
        IEnumerable<MessageDescriptor> messages = V1.ReportsReflection.Descriptor.MessageTypes;
        Assert.NotEmpty(messages);
        Assert.All(messages, message => Assert.Equal($"application/protobuf; type={message.FullName}", Topics.ContentType(message.ClrType)));
    }

    [Fact]
    public void A_topic_taken_apart_names_its_device()
    {
        Assert.True(Topics.TryParse(s_topics.Event("gap"), out ReportTopic? topic));
        Assert.Equal(new ReportTopic("default", "camera-7", "event", "gap"), topic);
    }

    [Theory]
    [InlineData("edgefleet/v1/default/camera-7")]
    [InlineData("edgefleet/v2/default/camera-7/presence")]
    [InlineData("edgefleet/v1/default/+/presence")]
    [InlineData("edgefleet/v1/default/Camera/presence")]
    [InlineData("edgefleet/v1/default/camera-7/a/b/c")]
    [InlineData("")]
    public void Topics_of_strangers_are_refused(string topic) => Assert.False(Topics.TryParse(topic, out _));

    [Theory]
    [InlineData("a/b")]
    [InlineData("#")]
    [InlineData("")]
    public void No_name_can_widen_a_topic(string name) => Assert.Throws<FormatException>(() => s_topics.Deployment(name));
}

using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Devices;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Controller.Tests.Fleet;

public sealed class DeviceAttributesTests
{
    private static readonly DeviceRow s_device = new()
    {
        Id = "dev-1",
        HardwareClass = "orin-8g",
        AgentVersion = "0.1.0",
        Labels = """{"site":"lab","board":"mine","frozen":"true"}""",
        Facts = StoreJson.Write(new HardwareFacts("nvidia-jetson-orin-nano", 7936, "15W", "onnxruntime-1.29.0", "cpu", 4)),
    };

    [Theory]
    [InlineData("class == orin-8g and site == lab and label.frozen", true)]
    [InlineData("board == nvidia-jetson-orin-nano and label.board == mine", true)]
    [InlineData("memoryMiB > 4000 and threads >= 4 and agentVersion < 0.2", true)]
    [InlineData("deviceId in (dev-1, dev-2) and not label.retired", true)]
    [InlineData("label.deviceId == dev-1", false)]
    public void A_selector_sees_facts_and_labels_apart(string selector, bool expected) =>
        Assert.Equal(expected, Selector.Parse(selector).Matches(DeviceAttributes.Of(s_device)));
}

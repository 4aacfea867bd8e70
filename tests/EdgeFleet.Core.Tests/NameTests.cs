using EdgeFleet.Core.Devices;

namespace EdgeFleet.Core.Tests;

public sealed class NameTests
{
    [Theory]
    [InlineData("camera-7", true)]
    [InlineData("7", true)]
    [InlineData("-camera", false)]
    [InlineData("Camera", false)]
    [InlineData("a/b", false)]
    [InlineData("a+", false)]
    [InlineData("#", false)]
    [InlineData("a\n", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Names_hold_nothing_that_means_something_in_a_topic_or_a_path(string? text, bool valid) => Assert.Equal(valid, Identifier.IsValid(text));

    [Fact]
    public void A_name_has_at_most_63_characters()
    {
        Assert.True(Identifier.IsValid(new string('a', 63)));
        Assert.False(Identifier.IsValid(new string('a', 64)));
    }

    [Fact]
    public void Devices_with_the_same_facts_are_of_one_class_and_each_fact_tells_apart()
    {
        HardwareFacts facts = new("NVIDIA Jetson Orin Nano", 7680, "15W", "onnxruntime-1.29.0", "CUDA", 4);
        Assert.Equal("nvidia-jetson-orin-nano-7.5g-15w-onnxruntime-1.29.0-cuda-4t", facts.ClassId);
        HardwareFacts[] others =
        [
            facts with { Board = "x64" }, facts with { MemoryMiB = 7936 }, facts with { PowerMode = "7W" },
            facts with { Runtime = "onnxruntime-1.30.0" }, facts with { Provider = "CPU" }, facts with { Threads = 2 },
        ];
        Assert.Equal(others.Length + 1, others.Append(facts).Select(f => f.ClassId).Distinct().Count());
    }
}

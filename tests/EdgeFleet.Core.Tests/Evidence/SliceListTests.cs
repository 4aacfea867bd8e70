using System.Text.Json;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Core.Tests.Evidence;

public sealed class SliceListTests
{
    [Fact]
    public void Lists_of_the_same_slices_are_equal_in_whatever_order_they_were_said()
    {
        SliceList one = SliceList.Of([("site", ["lab", "hall"]), ("camera", ["front"])]);
        SliceList other = SliceList.Of([("camera", ["front"]), ("site", ["hall", "lab"])]);
        Assert.Equal(one, other);
        Assert.Equal(one.GetHashCode(), other.GetHashCode());
        Assert.NotEqual(one, SliceList.None);
        Assert.Equal(SliceList.None, SliceList.Of([]));
    }

    [Fact]
    public void A_list_comes_back_from_json_within_a_job()
    {
        ShadowJob job = new()
        {
            Model = "m", BaselinePath = "/a", CandidatePath = "/b", ControlSocket = "/c", Slices = SliceList.Of([("camera", ["rear", "front"])]),
        };
        string json = JsonSerializer.Serialize(job, EvidenceJsonContext.Default.ShadowJob);
        Assert.Contains("""
            "slices":{"camera":["front","rear"]}
            """.Trim(), json, StringComparison.Ordinal);
        Assert.Equal(job, JsonSerializer.Deserialize(json, EvidenceJsonContext.Default.ShadowJob));
    }

    [Theory]
    [InlineData("""{"camera":[]}""")]
    [InlineData("""{"camera":["other"]}""")]
    [InlineData("""{"camera":["a;b"]}""")]
    [InlineData("""{"camera":["a","a"]}""")]
    [InlineData("""{"camera":"front"}""")]
    [InlineData("""{"a name":["front"]}""")]
    [InlineData("""["camera"]""")]
    [InlineData("""{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"],"g":["x"],"h":["x"],"i":["x"]}""")]
    public void What_could_carry_more_than_a_known_word_is_refused(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SliceList>(json));
}

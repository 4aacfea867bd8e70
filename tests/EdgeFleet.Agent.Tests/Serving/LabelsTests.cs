using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Labels;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class LabelsTests : IDisposable
{
    private readonly DeviceState _state = new();

    public LabelsTests() => _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1, 2])));

    public void Dispose() => _state.Dispose();

    [Fact]
    public async Task Posted_labels_reach_whoever_collects_them_and_nobody_else_is_asked_to_keep_them()
    {
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        const string Two = """{"labels":[{"id":"a","label":3},{"id":"b","label":[1,0]}]}""";
        Assert.Equal((200, """{"taken":0,"dropped":2,"reason":"no candidate of model 'add' is being compared now"}"""), await runner.PostLabelsAsync("add", Two));

        Assert.Empty((await runner.Control.LabelsAsync("add", CancellationToken.None)).Labels);
        Assert.Equal((200, """{"taken":2,"dropped":0}"""), await runner.PostLabelsAsync("add", Two));

        CollectedLabels collected = await runner.Control.LabelsAsync("add", CancellationToken.None);
        Assert.Equal(["a: 3", "b: 1 0"], collected.Labels.Select(label => $"{label.Id}: {string.Join(' ', label.Classes)}"));
        Assert.Equal(0, collected.Dropped);
    }

    [Fact]
    public void Labels_that_find_no_room_are_counted_once_and_the_application_is_told()
    {
        LabelBox box = new();
        box.Take(1);
        PostedLabel[] many = [.. Enumerable.Range(0, LabelBox.Slots + 3).Select(i => new PostedLabel($"r{i}", [0]))];
        Assert.Equal(LabelBox.Slots, box.Offer(many));
        (IReadOnlyList<PostedLabel> first, long dropped) = box.Take(10);
        Assert.Equal((10, "r0", 3L), (first.Count, first[0].Id, dropped));
        Assert.Equal(0, box.Take(10).Dropped);
    }

    [Theory]
    [InlineData("add", "[]", 400, "expected {\"labels\"")]
    [InlineData("add", "{", 400, "not valid JSON")]
    [InlineData("add", """{"labels":[{"label":1}]}""", 400, "label 0 has no id")]
    [InlineData("add", """{"labels":[7]}""", 400, "label 0 has no id")]
    [InlineData("add", """{"labels":[{"id":"a","label":1},{"id":"b"}]}""", 400, "label 1 has no class")]
    [InlineData("add", """{"labels":[{"id":"a","label":-1}]}""", 400, "label 0 has no class")]
    [InlineData("add", """{"labels":[{"id":"a","label":[]}]}""", 400, "label 0 has no class")]
    [InlineData("add", """{"labels":[{"id":"a","label":[1,"cat"]}]}""", 400, "label 0 has no class")]
    [InlineData("nobody", """{"labels":[]}""", 404, "model 'nobody'")]
    public async Task What_is_no_label_is_told_what_is_wrong(string model, string json, int status, string expected)
    {
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        (int answered, string body) = await runner.PostLabelsAsync(model, json);
        Assert.Equal(status, answered);
        Assert.Contains(expected, System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_too_long_to_be_kept_and_too_many_labels_at_once_are_refused()
    {
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        Assert.Equal(400, (await runner.PostLabelsAsync("add", $$"""{"labels":[{"id":"{{new string('a', 129)}}","label":1}]}""")).Status);
        Assert.Equal(413, (await runner.PostLabelsAsync("add", new string(' ', LabelsReader.MaximumBytes + 1))).Status);
        Assert.Equal(405, (await runner.GetAsync("/v2/models/add/labels")).Status);
    }
}

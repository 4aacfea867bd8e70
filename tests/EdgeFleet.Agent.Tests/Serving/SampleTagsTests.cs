using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Agent.Tests.Serving.Grpc;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Protocol.OpenInference;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>What goes with a sampled input: the request's id and the values that are listed, and nothing else.</summary>
public sealed class SampleTagsTests : IDisposable
{
    private static readonly SliceList s_slices = SliceList.Of([("camera", ["front", "rear"]), ("lane", ["3", "4"]), ("night", ["true"])]);
    private readonly DeviceState _state = new();

    public SampleTagsTests() => _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));

    public void Dispose() => _state.Dispose();

    [Theory]
    [InlineData(""" "id":"a","parameters":{"camera":"rear","lane":3,"night":true,"plate":"B-XY 123"} """, "a", "1 0 0")]
    [InlineData(""" "id":"a","parameters":{"camera":"re\u0061r","x":{"camera":["front"]},"lane":"4"} """, "a", "1 1 -1")]
    [InlineData(""" "parameters":{"camera":"side","lane":3.0,"night":null} """, null, "-1 -1 -1")]
    [InlineData(""" "parameters":null """, null, "-1 -1 -1")]
    [InlineData(""" "parameters" : {"camera":"front","binary_data_output":false,"camera":"rear"} """, null, "1 -1 -1")]
    [InlineData(""" "parameters":{"camera":["front"]},"id":"" """, null, "-1 -1 -1")]
    [InlineData(""" "x":1 """, null, "-1 -1 -1")]
    public async Task RESTs_parameters_and_id_are_read_where_they_are_listed(string fields, string? id, string expected)
    {
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        string request = $$"""{ {{fields}}, "inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[7]}]}""";
        SampleTags tags = await TagsAsync(runner, async () => Assert.Equal(200, (await runner.PostAsync("add", request)).Status));
        Assert.Equal((id, expected), (tags.Id, string.Join(' ', tags.Slices)));
    }

    [Fact]
    public async Task GRPCs_parameters_and_id_are_read_as_RESTs_are()
    {
        await using GrpcFixture grpc = await GrpcFixture.StartAsync(_state);
        ModelInferRequest request = GrpcFixture.Row("add", 7);
        request.Id = "a";
        request.Parameters["camera"] = new InferParameter { StringParam = "rear" };
        request.Parameters["lane"] = new InferParameter { Int64Param = 4 };
        request.Parameters["night"] = new InferParameter { BoolParam = true };
        request.Parameters["plate"] = new InferParameter { StringParam = "B-XY 123" };
        request.Inputs[0].Parameters["camera"] = new InferParameter { StringParam = "front" };
        SampleTags tags = await TagsAsync(grpc.Runner, async () => await grpc.Client.ModelInferAsync(request));
        Assert.Equal(("a", "1 1 0"), (tags.Id, string.Join(' ', tags.Slices)));

        request.Parameters.Clear();
        // Another list of slices first: the tap then forgets the samples of the last poll's requests.
        await TagsAsync(grpc.Runner, async () => await grpc.Client.ModelInferAsync(request), SliceList.None);
        request.Parameters["lane"] = new InferParameter { Uint64Param = 3 };
        request.Parameters["night"] = new InferParameter { DoubleParam = 1.5 };
        request.Parameters["camera"] = new InferParameter();
        tags = await TagsAsync(grpc.Runner, async () => await grpc.Client.ModelInferAsync(request));
        Assert.Equal("-1 0 -1", string.Join(' ', tags.Slices));
    }

    [Fact]
    public async Task An_id_that_is_too_long_to_keep_is_none()
    {
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        string request = $$"""{"id":"{{new string('a', 129)}}","inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[7]}]}""";
        Assert.Null((await TagsAsync(runner, async () => await runner.PostAsync("add", request))).Id);
    }

    /// <summary>Asks until a poll has seen a sample.</summary>
    private static async Task<SampleTags> TagsAsync(RunnerFixture runner, Func<Task> ask, SliceList? slices = null)
    {
        Task<SampleBatch> poll = runner.Control.SamplesAsync(new SamplesRequest { Model = "add", WaitMs = 60_000, Slices = slices ?? s_slices }, CancellationToken.None);
        while (!poll.IsCompleted)
        {
            await ask();
        }
        using SampleBatch batch = await poll;
        return batch.Samples[0].Tags;
    }
}

using System.Net;
using System.Net.Http.Headers;
using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Inference;
using EdgeFleet.Protocol.OpenInference;
using EdgeFleet.Testing.Onnx;
using Grpc.Core;

namespace EdgeFleet.Agent.Tests.Serving.Grpc;

/// <summary>Where the two protocols meet: places, waiting, limits, and what is said when they are used up.</summary>
public sealed class GrpcStatusTests : IDisposable
{
    private readonly DeviceState _state = new();

    [Fact]
    public async Task REST_and_gRPC_share_the_places_and_the_queue_of_a_model()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 0);
        ServedModel model = grpc.Runner.Runner.Models.Find("add");
        Assert.True(model.TryTakePlace());

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1)).ResponseAsync);
        (int status, string body) = await grpc.Runner.PostAsync("add", """{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]}""");

        Assert.Equal((StatusCode.Unavailable, "model 'add' has 1 requests running and 0 waiting, its limit"), (refused.StatusCode, refused.Status.Detail));
        Assert.Equal("1000", refused.Trailers.Single(entry => entry.Key == "grpc-retry-pushback-ms").Value);
        Assert.Equal(503, status);
        Assert.Contains(refused.Status.Detail.Split('\'')[^1], body, StringComparison.Ordinal);
        Assert.Equal(2, (await grpc.Runner.StatusAsync("add")).Overloaded);
        model.GivePlaceBack();
        Assert.Equal(2, (await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1))).Outputs[0].Contents.Fp32Contents.Single());
    }

    [Fact]
    public async Task A_call_whose_deadline_passes_while_it_waits_never_reaches_the_model()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 1);
        ServedModel model = grpc.Runner.Runner.Models.Find("add");
        Assert.True(model.TryTakePlace());
        // Far away for the client's clock, so that the runner is the one that ends it.
        Task<ModelInferResponse> waiting = grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1), deadline: DateTime.UtcNow.AddHours(1)).ResponseAsync;
        await UntilAsync(() => model.Waiting == 1);

        grpc.Runner.Time.Advance(TimeSpan.FromHours(2));

        RpcException ended = await Assert.ThrowsAsync<RpcException>(() => waiting);
        Assert.Equal((StatusCode.DeadlineExceeded, "The deadline of '/inference.GRPCInferenceService/ModelInfer' has passed."), (ended.StatusCode, ended.Status.Detail));
        model.GivePlaceBack();
        await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1));
        Assert.Equal(1, (await grpc.Runner.StatusAsync("add")).Requests);
    }

    [Fact]
    public async Task A_caller_that_gives_up_while_it_waits_leaves_its_place_in_the_queue()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 1);
        ServedModel model = grpc.Runner.Runner.Models.Find("add");
        Assert.True(model.TryTakePlace());
        using CancellationTokenSource caller = new();
        Task<ModelInferResponse> first = grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1), cancellationToken: caller.Token).ResponseAsync;
        await UntilAsync(() => model.Waiting == 1);

        await caller.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => first)).StatusCode);
        await UntilAsync(() => model.Waiting == 0);
        model.GivePlaceBack();
        Assert.Equal(3, (await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 2))).Outputs[0].Contents.Fp32Contents.Single());
        Assert.Equal(1, (await grpc.Runner.StatusAsync("add")).Requests);
    }

    [Fact]
    public async Task A_model_that_is_not_ready_says_so_with_a_retry_time_and_the_reason()
    {
        _state.Point("add", Digest.Of("nothing"u8));
        await using GrpcFixture grpc = await GrpcFixture.StartAsync(_state);

        foreach (Func<Task> ask in new Func<Task>[]
        {
            () => grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1)).ResponseAsync,
            () => grpc.Client.ModelMetadataAsync(new ModelMetadataRequest { Name = "add" }).ResponseAsync,
        })
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(ask);
            Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
            Assert.StartsWith("model 'add' is not ready: artifact sha256:", refused.Status.Detail, StringComparison.Ordinal);
            Assert.Contains(refused.Trailers, entry => entry.Key == "grpc-retry-pushback-ms");
        }
        Assert.False((await grpc.Client.ModelReadyAsync(new ModelReadyRequest { Name = "add" })).Ready);
        Assert.False((await grpc.Client.ServerReadyAsync(new ServerReadyRequest())).Ready);
        Assert.True((await grpc.Client.ServerLiveAsync(new ServerLiveRequest())).Live);
    }

    [Fact]
    public async Task A_request_that_is_larger_than_RESTs_limit_is_refused()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        await using GrpcFixture grpc = await GrpcFixture.StartAsync(_state, options => options with { MaximumRequestBytes = 1000 });

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => grpc.Client.ModelInferAsync(GrpcFixture.Row("add", new float[500])).ResponseAsync);

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.EndsWith("exceeds the maximum of 1000.", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(2, (await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 1))).Outputs[0].Contents.Fp32Contents.Single());
    }

    [Fact]
    public async Task A_swap_fails_no_call_and_each_answer_names_the_version_that_made_it()
    {
        Digest one = _state.AddArtifact("add", TinyModel.AddBias([1])), two = _state.AddArtifact("add", TinyModel.AddBias([2]));
        _state.Point("add", one);
        await using GrpcFixture grpc = await GrpcFixture.StartAsync(_state);
        using CancellationTokenSource enough = new();
        HashSet<(string Version, float Bias)> seen = [];
        Task asking = Task.Run(async () =>
        {
            while (!enough.IsCancellationRequested)
            {
                ModelInferResponse answer = await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 0));
                lock (seen)
                {
                    seen.Add((answer.ModelVersion, answer.Outputs[0].Contents.Fp32Contents.Single()));
                }
            }
        });

        for (int swap = 0; swap < 10; swap++)
        {
            _state.Point("add", swap % 2 == 0 ? two : one);
            await grpc.Runner.Control.ReconcileAsync("add", CancellationToken.None);
        }
        await enough.CancelAsync();
        await asking;

        Assert.Subset(new HashSet<(string, float)> { (one.ToString(), 1f), (two.ToString(), 2f) }, seen);
    }

    [Fact]
    public async Task The_inputs_of_gRPC_calls_are_sampled_as_RESTs_are()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 64);
        Task<SampleBatch> poll =
            grpc.Runner.Control.SamplesAsync(new SamplesRequest { Model = "add", WaitMs = 60_000 }, CancellationToken.None);
        // The poll opens the tap; calls go on until one has been seen.
        while (!poll.IsCompleted)
        {
            await grpc.Client.ModelInferAsync(GrpcFixture.Row("add", 17));
        }

        using SampleBatch batch = await poll;
        Assert.Equal([17], batch.Samples[0].Inputs.Single().Floats().ToArray());
    }

    [Fact]
    public async Task What_is_not_gRPC_is_told_so_on_gRPCs_address()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 1);
        using HttpClient http1 = RunnerFixture.ClientOf(grpc.Socket);
        Assert.Equal(HttpStatusCode.BadRequest, (await http1.GetAsync("/v2/health/live")).StatusCode);

        using HttpRequestMessage rest = new(HttpMethod.Post, "http://runner/v2/models/add/infer") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new StringContent("{}") };
        rest.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await http1.SendAsync(rest)).StatusCode);
    }

    [Fact]
    public async Task Applications_of_the_devices_group_reach_gRPCs_socket_as_they_do_RESTs()
    {
        await using GrpcFixture grpc = await StartAsync(queue: 1);
        Assert.Equal(File.GetUnixFileMode(_state["infer.sock"]), File.GetUnixFileMode(grpc.Socket));
        Assert.Equal([$"unix:{grpc.Socket}"], (await grpc.Runner.Control.StatusAsync(CancellationToken.None)).GrpcListening);
    }

    public void Dispose() => _state.Dispose();

    private async Task<GrpcFixture> StartAsync(int queue)
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        return await GrpcFixture.StartAsync(_state, options => options with { Concurrency = 1, Queue = queue });
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        long start = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - start < 30_000, "it did not come to that within 30 s");
            await Task.Yield();
        }
    }
}

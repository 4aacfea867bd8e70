using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class LimitTests : IDisposable
{
    private readonly DeviceState _state = new();

    [Fact]
    public async Task When_all_places_and_the_queue_are_taken_the_next_request_is_turned_away_for_later()
    {
        using ServedModel model = new("add", concurrency: 1, queue: 1);
        Assert.True(model.TryTakePlace());
        Assert.False(model.TryTakePlace());
        Task waiting = model.WaitForPlaceAsync(CancellationToken.None);
        Assert.False(waiting.IsCompleted);

        RequestException refused = await Assert.ThrowsAsync<RequestException>(() => model.WaitForPlaceAsync(CancellationToken.None));

        Assert.Equal((503, 1), (refused.Status, refused.RetryAfterSeconds));
        Assert.Equal("model 'add' has 1 requests running and 1 waiting, its limit", refused.Message);
        Assert.Equal(1, model.Status(0).Overloaded);
        model.GivePlaceBack();
        await waiting;
    }

    [Fact]
    public async Task A_model_that_is_not_ready_says_so_with_a_retry_time_and_the_reason()
    {
        _state.Point("add", EdgeFleet.Core.Digest.Of("nothing"u8));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        using HttpResponseMessage response = await runner.Http.PostAsync("/v2/models/add/infer", new StringContent("{}"));

        Assert.Equal(503, (int)response.StatusCode);
        Assert.Equal("1", response.Headers.GetValues("Retry-After").Single());
        Assert.Contains("model 'add' is not ready: artifact sha256:", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(503, (await runner.GetAsync("/v2/health/ready")).Status);
        Assert.Equal(503, (await runner.GetAsync("/v2/models/add/ready")).Status);
        Assert.Equal(200, (await runner.GetAsync("/v2/health/live")).Status);
    }

    [Fact]
    public async Task A_request_that_is_too_large_is_refused()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1], rows: -1)));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state, options => options with { MaximumRequestBytes = 1000 });

        foreach (bool announced in new[] { true, false })
        {
            using HttpRequestMessage request = new(HttpMethod.Post, "/v2/models/add/infer") { Content = new ByteArrayContent(new byte[2000]) };
            request.Headers.TransferEncodingChunked = !announced;
            using HttpResponseMessage response = await runner.Http.SendAsync(request);

            Assert.Equal(413, (int)response.StatusCode);
            using System.Text.Json.JsonDocument answer = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync());
            Assert.Equal("the request has more than the 1000 bytes that are allowed", answer.RootElement.GetProperty("error").GetString());
        }
        Assert.Equal(200, (await runner.GetAsync("/v2/health/live")).Status);
        Assert.DoesNotContain(runner.Log.Messages, message => message.Contains("Exception", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_request_with_more_rows_than_the_runner_takes_is_refused_and_counts_no_failure()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1], rows: -1)));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state, options => options with { MaximumBatch = 3 });
        static string Rows(int rows) => $$"""{"inputs":[{"name":"x","shape":[{{rows}},1],"datatype":"FP32","data":[{{string.Join(',', new int[rows])}}]}]}""";

        (int status, string body) = await runner.PostAsync("add", Rows(4));

        Assert.Equal(400, status);
        Assert.Contains("input 'x' has shape [4,1]; one request may have 3 rows (the runner's --max-batch)", System.Text.Json.JsonDocument.Parse(body).RootElement.GetProperty("error").GetString()!, StringComparison.Ordinal);
        Assert.Equal(200, (await runner.PostAsync("add", Rows(3))).Status);
        Assert.Equal(0, (await runner.StatusAsync("add")).Failures);
    }

    [Fact]
    public async Task A_model_of_a_fixed_batch_is_not_bound_by_the_runners_own()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1], rows: 8)));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state, options => options with { MaximumBatch = 3 });

        Assert.Equal(200, (await runner.PostAsync("add", """{"inputs":[{"name":"x","shape":[8,1],"datatype":"FP32","data":[0,0,0,0,0,0,0,0]}]}""")).Status);
    }

    [Theory]
    [InlineData("tcp:1", "expected unix:PATH or http://127.0.0.1:PORT")]
    [InlineData("unix:", "the path is empty")]
    [InlineData("http://0.0.0.0:8000", "loopback or a Unix socket only")]
    [InlineData("http://example.org:80", "loopback or a Unix socket only")]
    public void An_address_that_leads_out_of_the_machine_or_nowhere_is_refused(string text, string expected) =>
        Assert.Contains(expected, Assert.Throws<FormatException>(() => ListenAddress.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_socket_path_too_long_for_the_kernel_is_refused_with_its_length() =>
        Assert.Contains("has 200 bytes; Linux allows 107", Assert.Throws<FormatException>(() => ListenAddress.Parse("unix:/" + new string('a', 199))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_second_runner_on_the_same_socket_is_told_so_and_a_dead_ones_socket_is_taken_over()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        await using (RunnerFixture first = await RunnerFixture.StartAsync(_state))
        {
            IOException taken = await Assert.ThrowsAsync<IOException>(() => RunnerFixture.StartAsync(_state));
            Assert.Contains("is in use by another runner", taken.Message, StringComparison.Ordinal);
        }
        using (System.Net.Sockets.Socket left = new(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
        {
            left.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(_state["infer.sock"]));
        }
        await using RunnerFixture second = await RunnerFixture.StartAsync(_state);
        Assert.Equal(200, (await second.GetAsync("/v2/health/ready")).Status);
    }

    [Fact]
    public async Task Only_the_owner_may_open_the_control_socket()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(runner.Runner.ControlSocket!));
    }

    public void Dispose() => _state.Dispose();
}

using System.Diagnostics;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sampling;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Testing.Onnx;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class SampleTapTests
{
    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_polled_runner_hands_out_copies_of_live_inputs_as_they_came()
    {
        using DeviceState state = new();
        state.Point("add", state.AddArtifact("add", TinyModel.AddBias([1, 2])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(state);

        Task<SampleBatch> poll =
            runner.Control.SamplesAsync(new SamplesRequest { Model = "add", WaitMs = 60_000 }, CancellationToken.None);
        // The poll opens the tap; requests go on until one has been seen.
        while (!poll.IsCompleted)
        {
            Assert.Equal(200, (await RunnerFixture.PostBinaryAsync(runner.Http, "add", 10, 20)).Status);
        }

        using SampleBatch batch = await poll;
        Tensor input = batch.Samples[0].Inputs.Single();
        Assert.Equal(("x:FP32[1,2]", 0), (input.ToString(), batch.Dropped));
        Assert.Equal([10, 20], input.Floats().ToArray());
        batch.Dispose();
        Assert.Equal([0, 0], input.Floats().ToArray()); // wiped once it was compared
    }

    [Fact]
    public async Task Nobody_polling_means_nothing_is_copied()
    {
        using SampleTap tap = new();
        Assert.False(tap.IsOpen(Stopwatch.GetTimestamp()));
        (_, int count, _) = await TakeAsync(tap);
        Assert.Equal(0, count);
        Assert.True(tap.IsOpen(Stopwatch.GetTimestamp()));
        Assert.False(tap.IsOpen(Stopwatch.GetTimestamp() + (6 * Stopwatch.Frequency)));
    }

    [Fact]
    public async Task What_does_not_fit_is_dropped_and_counted_once()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall call = model.Prepare();
        using SampleTap tap = new();
        await TakeAsync(tap);

        for (int i = 0; i < 50; i++)
        {
            call.Inputs[0].Values<float>()[0] = i;
            Offer(tap, call);
        }

        (byte[] encoded, int count, long dropped) = await TakeAsync(tap, max: 100);
        Assert.Equal((32, 18L), (count, dropped));
        Assert.Equal(Enumerable.Range(0, 32), SampleCodec.Read(encoded, tagged: true).Select(sample => (int)sample.Inputs[0].Floats()[0])); // the newest are dropped
        Assert.Equal((0, 0L), ((await TakeAsync(tap)).Count, (await TakeAsync(tap)).Dropped));
    }

    [Fact]
    public async Task Every_nth_input_is_taken()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall call = model.Prepare();
        using SampleTap tap = new();
        await TakeAsync(tap, everyNth: 5);

        for (int i = 0; i < 23; i++)
        {
            Offer(tap, call);
        }

        // Requests are counted from 1: three blocks are whole, and the first and the last may have lost the one that was drawn.
        Assert.InRange((await TakeAsync(tap, max: 100, everyNth: 5)).Count, 3, 5);
    }

    [Fact]
    public async Task An_application_that_asks_in_turns_is_not_sampled_at_the_same_turn_for_ever()
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall call = model.Prepare();
        using SampleTap tap = new();
        await TakeAsync(tap, everyNth: 4);
        HashSet<int> cameras = [];
        int taken = 0;

        for (int round = 0; round < 200; round++)
        {
            for (int camera = 0; camera < 4; camera++)
            {
                call.Inputs[0].Values<float>()[0] = camera;
                Offer(tap, call);
            }
            if (round % 20 == 19)
            {
                (byte[] encoded, int count, _) = await TakeAsync(tap, max: 100, everyNth: 4);
                cameras.UnionWith(SampleCodec.Read(encoded, tagged: true).Select(sample => (int)sample.Inputs[0].Floats()[0]));
                taken += count;
            }
        }

        Assert.Equal((4, true), (cameras.Count, taken is 199 or 200 or 201)); // a quarter, of all four
    }

    [Theory, InlineData(0), InlineData(3), InlineData(7), InlineData(40)]
    public void Samples_that_end_early_are_an_error(int bytes)
    {
        using LoadedModel model = LoadedModel.Load("add", TinyModel.AddBias([1, 2]));
        using PreparedCall call = model.Prepare();
        byte[] encoded = new byte[4 + SampleCodec.SizeOf(call.Inputs)];
        SampleCodec.WriteCount(encoded, 1);
        SampleCodec.Write(call.Inputs, encoded.AsSpan(4));

        Assert.Single(SampleCodec.Read(encoded, tagged: false));
        Assert.Throws<FormatException>(() => SampleCodec.Read(encoded.AsMemory(0, bytes), tagged: false));
    }

    [Fact]
    public async Task A_worker_of_an_older_version_gets_samples_as_it_knows_them()
    {
        using DeviceState state = new();
        state.Point("add", state.AddArtifact("add", TinyModel.AddBias([1, 2])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(state);
        using HttpClient control = RunnerFixture.ClientOf(runner.Runner.ControlSocket!);

        Task<HttpResponseMessage> poll = control.PostAsync("/v1/samples", new StringContent("""{"model":"add","waitMs":60000}"""));
        while (!poll.IsCompleted)
        {
            await RunnerFixture.PostBinaryAsync(runner.Http, "add", 10, 20);
        }

        using HttpResponseMessage response = await poll;
        Assert.False(response.Headers.Contains(ControlApi.FormatHeader));
        byte[] encoded = await response.Content.ReadAsByteArrayAsync();
        Assert.Equal([10, 20], SampleCodec.Read(encoded, tagged: false)[0].Inputs[0].Floats().ToArray());
    }

    [Theory]
    [InlineData("""{"model":"add","slices":{"camera":["not a word"]}}""", 400, "slices")]
    [InlineData("""{"model":"add","max":0}""", 400, "max is 0")]
    [InlineData("""{"model":"add","waitMs":-1}""", 400, "waitMs is -1")]
    [InlineData("""{"model":"add","everyNth":0}""", 400, "everyNth is 0")]
    [InlineData("""{"model":"nobody"}""", 404, "model 'nobody'")]
    [InlineData("""{"max":1}""", 400, "model")]
    public async Task A_bad_poll_is_told_what_is_wrong(string json, int status, string expected)
    {
        using DeviceState state = new();
        state.Point("add", state.AddArtifact("add", TinyModel.AddBias([1, 2])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(state);
        using HttpClient control = RunnerFixture.ClientOf(runner.Runner.ControlSocket!);

        using HttpResponseMessage response = await control.PostAsync("/v1/samples", new StringContent(json));

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(expected, await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static void Offer(SampleTap tap, PreparedCall call) => tap.Offer(call.Inputs, new InferRequest(), default);

    private static async Task<(byte[] Encoded, int Count, long Dropped)> TakeAsync(SampleTap tap, int max = 32, int everyNth = 1)
    {
        ManualTimeProvider time = new();
        Task<(byte[], int, long)> take = tap.TakeAsync(new SamplePoll(max, everyNth, s_wait, SliceList.None, Tagged: true), time, CancellationToken.None);
        time.Advance(s_wait);
        return await take;
    }
}

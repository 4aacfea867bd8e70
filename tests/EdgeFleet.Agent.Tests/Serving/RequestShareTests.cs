using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Agent.Tests.Serving.Grpc;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Files;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Protocol.OpenInference;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Onnx;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>A real runner with real models, asked by both of its protocols.</summary>
public sealed class RequestShareTests : IDisposable
{
    private const int Float = 1;
    private const int Lapsed = 2007;
    private readonly DeviceState _state = new();

    [Fact]
    public async Task The_candidate_answers_its_share_of_both_protocols_and_each_answer_says_whose_it_is()
    {
        (Digest baseline, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using GrpcFixture fixture = await GrpcFixture.StartAsync(_state);
        ShareStatus begun = await ShareAsync(fixture.Runner, candidate, 20, seed: 7);
        Assert.Equal((candidate.ToString(), 20d, null), (begun.Candidate, begun.Percent, begun.Code));

        int byCandidate = 0;
        for (int i = 0; i < 1000; i++)
        {
            (int status, string json, float[] values) = await RunnerFixture.PostBinaryAsync(fixture.Runner.Http, "m", 0);
            ModelInferResponse answer = await fixture.Client.ModelInferAsync(GrpcFixture.Row("m", 0));
            Assert.Equal(200, status);
            Assert.Contains((values[0] == 2 ? candidate : baseline).ToString(), json, StringComparison.Ordinal);
            bool grpcByCandidate = answer.ModelVersion == candidate.ToString();
            Assert.Equal(grpcByCandidate ? 2f : 1f, answer.Outputs[0].Contents.Fp32Contents[0]);
            byCandidate += (values[0] == 2 ? 1 : 0) + (grpcByCandidate ? 1 : 0);
        }

        // Four standard deviations of a binomial with 2,000 draws of 20 %: 400 ± 72.
        Assert.InRange(byCandidate, 328, 472);
        ShareStatus share = await ShareAsync(fixture.Runner, candidate, 20, seed: 7);
        Assert.Equal((byCandidate, 2000 - byCandidate), (share.CandidateArm.Requests, share.BaselineArm.Requests));
        Assert.Equal((byCandidate, 2000 - byCandidate), (share.CandidateArm.LogLatency.Count, share.BaselineArm.LogLatency.Count));
    }

    [Fact]
    public async Task The_default_share_is_five_percent_and_a_seed_draws_the_same_requests_again()
    {
        (_, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        string[] drawn = new string[2];
        for (int time = 0; time < 2; time++)
        {
            await ShareAsync(runner, candidate, 0);
            Assert.Equal(5, (await ShareAsync(runner, candidate, null, seed: 3)).Percent);
            List<float> answers = [];
            for (int i = 0; i < 300; i++)
            {
                answers.Add(await runner.AnswerToZeroAsync("m"));
            }
            drawn[time] = string.Join(',', answers);
        }
        Assert.Equal(drawn[0], drawn[1]);
        Assert.Contains("2", drawn[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_that_names_the_active_version_is_never_the_candidates_and_counts_in_neither_arm()
    {
        (Digest baseline, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using GrpcFixture fixture = await GrpcFixture.StartAsync(_state);
        await ShareAsync(fixture.Runner, candidate, 100);
        ModelInferRequest request = GrpcFixture.Row("m", 0);
        request.ModelVersion = baseline.ToString();

        Assert.Equal(baseline.ToString(), (await fixture.Client.ModelInferAsync(request)).ModelVersion);
        Assert.Equal(2f, await fixture.Runner.AnswerToZeroAsync("m"));
        ShareStatus share = (await fixture.Runner.StatusAsync("m")).Share!;
        Assert.Equal((1L, 0L), (share.CandidateArm.Requests, share.BaselineArm.Requests));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_candidate_that_answers_what_is_no_number_is_answered_for_and_gets_no_more_requests(bool grpc)
    {
        (Digest baseline, Digest candidate) = Point(TinyModel.Identity(Float, 1), TinyModel.SquareRoot(1));
        await using GrpcFixture fixture = await GrpcFixture.StartAsync(_state);
        await ShareAsync(fixture.Runner, candidate, 50);

        await AllAnsweredAsync(fixture, grpc, -4f, -4f);

        ShareStatus share = (await fixture.Runner.StatusAsync("m")).Share!;
        Assert.Equal((0d, 50d, ShareCodes.NonFinite), (share.Percent, share.AskedPercent, share.Code));
        Assert.Equal((1L, 1L), (share.CandidateArm.Requests, share.CandidateArm.NonFinite));
        Assert.Equal((baseline.ToString(), 0L, 0L), ((await fixture.Runner.StatusAsync("m")).Active, (await fixture.Runner.StatusAsync("m")).NonFinite, (await fixture.Runner.StatusAsync("m")).Failures));
    }

    [Fact]
    public async Task What_is_no_number_because_the_request_held_none_is_no_fault_of_the_candidate()
    {
        (_, Digest candidate) = Point(TinyModel.Identity(Float, 1), TinyModel.SquareRoot(1));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 100);

        (int status, _, float[] values) = await RunnerFixture.PostBinaryAsync(runner.Http, "m", float.NaN);

        Assert.Equal((200, true), (status, float.IsNaN(values[0])));
        Assert.Equal(100, (await runner.StatusAsync("m")).Share!.Percent);
    }

    [Fact]
    public async Task A_candidate_that_fails_on_what_the_baseline_answers_gets_no_more_requests()
    {
        (_, Digest candidate) = Point(TinyModel.Lookup(5, 6, 7), TinyModel.Lookup(5));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 50);

        for (int i = 0; i < 40; i++)
        {
            (int status, string body) = await runner.PostAsync("m", Index(2));
            Assert.True(status == 200 && body.Contains("[7", StringComparison.Ordinal), body);
        }

        ShareStatus share = (await runner.StatusAsync("m")).Share!;
        Assert.Equal((0d, ShareCodes.InferenceFailed, 1L), (share.Percent, share.Code, share.CandidateArm.Failures));
        Assert.Contains("on a request that the baseline answered", share.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_both_refuse_is_the_requests_own_doing_and_the_share_goes_on()
    {
        (_, Digest candidate) = Point(TinyModel.Lookup(5), TinyModel.Lookup(6));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 100);

        Assert.Equal(400, (await runner.PostAsync("m", Index(9))).Status);

        ShareStatus share = (await runner.StatusAsync("m")).Share!;
        Assert.Equal((100d, 1L, 0L), (share.Percent, share.CandidateArm.Rejected, share.CandidateArm.Failures));
    }

    [Fact]
    public async Task A_candidate_whose_answer_has_another_shape_than_its_contract_gets_no_more_requests()
    {
        ModelContract one = new([new TensorSpec("x", "FP32", [1])], [new TensorSpec("y", "INT64", [1, 1])]);
        Digest baseline = _state.AddArtifact("m", TinyModel.NonZeroOfPowers(1), one), candidate = _state.AddArtifact("m", TinyModel.NonZero(1), one);
        _state.Point("m", baseline);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 100);

        (int status, string body) = await runner.PostAsync("m", """{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[0]}]}""");

        Assert.True(status == 200 && body.Contains("\"shape\":[1,1]", StringComparison.Ordinal), body);
        Assert.Equal(ShareCodes.WrongShape, (await runner.StatusAsync("m")).Share!.Code);
    }

    [Fact]
    public async Task A_share_that_ended_for_a_fault_begins_again_only_after_it_was_given_up()
    {
        (_, Digest candidate) = Point(TinyModel.Identity(Float, 1), TinyModel.SquareRoot(1));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 100);
        Assert.Equal(-1f, (await RunnerFixture.PostBinaryAsync(runner.Http, "m", -1)).Values.Single());

        Assert.Equal((0d, ShareCodes.NonFinite), (await ShareAsync(runner, candidate, 100)) is var still ? (still.Percent, still.Code) : default);

        Assert.Null((await runner.Control.ShareAsync(Request(candidate, 0, 1), CancellationToken.None)).Models.Single().Share);
        Assert.Equal(100, (await ShareAsync(runner, candidate, 100)).Percent);
    }

    [Fact]
    public async Task A_share_that_nobody_asks_for_any_more_lapses()
    {
        (_, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 100);
        runner.Time.Advance(TimeSpan.FromSeconds(40));
        await ShareAsync(runner, candidate, 100); // asked again: goes on
        runner.Time.Advance(TimeSpan.FromSeconds(40));
        Assert.Equal(2f, await runner.AnswerToZeroAsync("m"));

        Task lapsed = runner.Log.Next(Lapsed);
        runner.Time.Advance(RequestShare.Lease);
        await lapsed;

        Assert.Equal(1f, await runner.AnswerToZeroAsync("m"));
        Assert.Equal(100, (await ShareAsync(runner, candidate, 100)).Percent);
        Assert.Equal(2f, await runner.AnswerToZeroAsync("m"));
    }

    [Fact]
    public async Task Activating_the_candidate_ends_its_share()
    {
        (Digest baseline, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        await ShareAsync(runner, candidate, 50);

        _state.Point("m", candidate, previous: baseline);
        ModelStatus status = (await runner.Control.ReconcileAsync("m", CancellationToken.None)).Models.Single();

        Assert.Equal((candidate.ToString(), ShareCodes.BaselineChanged), (status.Active, status.Share?.Code));
        Assert.Equal(2f, await runner.AnswerToZeroAsync("m"));
    }

    [Theory]
    [InlineData("contract", ShareCodes.OtherContract, "output 0")]
    [InlineData("garbage", ShareCodes.DoesNotLoad, "model.onnx")]
    [InlineData("same", ShareCodes.NoBaseline, "is what is active")]
    public async Task A_candidate_that_cannot_stand_in_is_refused_and_changes_nothing(string why, string code, string said)
    {
        (Digest baseline, _) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        Digest candidate = why switch
        {
            "contract" => _state.AddArtifact("m", TinyModel.AddBias([2], output: "z")),
            "garbage" => Damaged(),
            _ => baseline,
        };
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        ShareStatus share = await ShareAsync(runner, candidate, 100);

        Assert.Equal((0d, code), (share.Percent, share.Code));
        Assert.Contains(said, share.Reason, StringComparison.Ordinal);
        Assert.Equal(1f, await runner.AnswerToZeroAsync("m"));
    }

    [Theory, InlineData(3, ShareCodes.Crashed), InlineData(2, null)]
    public async Task A_candidate_that_ended_the_runner_too_often_answers_nothing_more(int crashes, string? expected)
    {
        (_, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        Directory.CreateDirectory(_state["serve"]);
        for (int i = 0; i < crashes; i++)
        {
            CrashLedger crashed = new(_state["serve/serve.json"], DateTimeOffset.UnixEpoch, LinuxFileStore.Instance, NullLogger.Instance);
            crashed.Charge("m", candidate);
            crashed.Loaded();
        }
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        Assert.Equal(expected, (await ShareAsync(runner, candidate, 100)).Code);
        Assert.Equal(expected is null ? 2f : 1f, await runner.AnswerToZeroAsync("m"));
    }

    [Theory, InlineData(100, ShareCodes.NoMemory), InlineData(900, null)]
    public async Task A_device_without_memory_for_a_second_session_refuses_the_share(int availableMiB, string? expected)
    {
        using TemporaryFolder root = new();
        root.Write("proc/meminfo", $"MemTotal: {1000 * 1024} kB\nMemAvailable: {availableMiB * 1024} kB\n");
        (_, Digest candidate) = Point(TinyModel.AddBias([1]), TinyModel.AddBias([2]));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state, options => options with { Device = new KernelFiles(root.Path) });

        Assert.Equal(expected, (await ShareAsync(runner, candidate, 100)).Code);
        Assert.Equal(expected is null ? 2f : 1f, await runner.AnswerToZeroAsync("m"));
    }

    [Fact]
    public async Task The_supervisor_reads_both_arms_and_is_told_a_broken_invariant_as_one()
    {
        (_, Digest candidate) = Point(TinyModel.Identity(Float, 1), TinyModel.SquareRoot(1));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        using ControlSocketRunner supervisor = new(runner.Runner.ControlSocket!);
        WantedShare wanted = new("m", candidate, 100, 1);
        Assert.Null((await supervisor.ShareAsync(wanted, CancellationToken.None))!.Code);
        await RunnerFixture.PostBinaryAsync(runner.Http, "m", 4);

        RequestShareReport? healthy = await supervisor.ShareAsync(wanted, CancellationToken.None);
        Assert.Equal((1L, 1L, 0L, null), (healthy!.Candidate.Requests, healthy.Candidate.Timed, healthy.Baseline.Requests, healthy.Code));
        await RunnerFixture.PostBinaryAsync(runner.Http, "m", -4);

        RequestShareReport? broken = await supervisor.ShareAsync(wanted, CancellationToken.None);
        Assert.Equal((ShareCodes.NonFinite, true, 1L), (broken!.Code, broken.Invariant, broken.Candidate.NonFinite));
        await Assert.ThrowsAsync<RunnerAwayException>(() => supervisor.ShareAsync(wanted with { Model = "other" }, CancellationToken.None));
    }

    [Fact]
    public async Task Shares_that_begin_and_end_under_load_fail_no_request()
    {
        (_, Digest candidate) = Point(TinyModel.Identity(Float, 1), TinyModel.SquareRoot(1));
        await using GrpcFixture fixture = await GrpcFixture.StartAsync(_state);
        using CancellationTokenSource done = new();
        Task<int>[] clients = [.. Enumerable.Range(0, 4).Select(_ => HammerAsync(fixture.Runner, done.Token))];
        for (int round = 0; round < 15; round++)
        {
            await ShareAsync(fixture.Runner, candidate, 100, (ulong)round);
            Assert.Equal(-9f, (await RunnerFixture.PostBinaryAsync(fixture.Runner.Http, "m", -9)).Values.Single());
            Assert.Equal(ShareCodes.NonFinite, (await fixture.Runner.StatusAsync("m")).Share!.Code);
            await fixture.Runner.Control.ShareAsync(Request(candidate, 0, 0), CancellationToken.None);
        }
        await done.CancelAsync();
        Assert.All(await Task.WhenAll(clients), answered => Assert.True(answered > 0));
        Assert.Equal(0, (await fixture.Runner.StatusAsync("m")).Failures);
    }

    public void Dispose() => _state.Dispose();

    private (Digest Baseline, Digest Candidate) Point(byte[] baseline, byte[] candidate)
    {
        Digest first = _state.AddArtifact("m", baseline), second = _state.AddArtifact("m", candidate);
        _state.Point("m", first);
        return (first, second);
    }

    private Digest Damaged()
    {
        Digest digest = _state.AddArtifact("m", TinyModel.AddBias([3]));
        _state.Write($"artifacts/{digest.Hex}/files/model.onnx", "no model");
        return digest;
    }

    private static ShareRequest Request(Digest candidate, double? percent, ulong seed) =>
        new() { Model = "m", Candidate = candidate.ToString(), Percent = percent, Seed = seed };

    private static async Task<ShareStatus> ShareAsync(RunnerFixture runner, Digest candidate, double? percent, ulong seed = 1)
    {
        ModelStatus status = (await runner.Control.ShareAsync(Request(candidate, percent, seed), CancellationToken.None)).Models.Single();
        return status.Share ?? new ShareStatus { Candidate = "", Since = default, Percent = 0, AskedPercent = 0, BaselineArm = ArmStatus.None, CandidateArm = ArmStatus.None };
    }

    private static string Index(int place) => $$$"""{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[{{{place}}}]}]}""";

    private static async Task AllAnsweredAsync(GrpcFixture fixture, bool grpc, float asked, float expected)
    {
        for (int i = 0; i < 60; i++)
        {
            if (grpc)
            {
                Assert.Equal(expected, (await fixture.Client.ModelInferAsync(GrpcFixture.Row("m", asked))).Outputs[0].Contents.Fp32Contents[0]);
            }
            else
            {
                (int status, _, float[] values) = await RunnerFixture.PostBinaryAsync(fixture.Runner.Http, "m", asked);
                Assert.Equal((200, expected), (status, values[0]));
            }
        }
    }

    private static async Task<int> HammerAsync(RunnerFixture runner, CancellationToken done)
    {
        int answered = 0;
        while (!done.IsCancellationRequested)
        {
            (int status, _, float[] values) = await RunnerFixture.PostBinaryAsync(runner.Http, "m", -2);
            Assert.Equal((200, -2f), (status, values[0]));
            answered++;
        }
        return answered;
    }
}

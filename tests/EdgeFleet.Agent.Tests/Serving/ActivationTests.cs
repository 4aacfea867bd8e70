using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class ActivationTests : IDisposable
{
    private const int Activated = 2001;
    private readonly DeviceState _state = new();

    [Fact]
    public async Task Swapping_under_load_fails_no_request_and_answers_only_from_one_of_the_two()
    {
        Digest one = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest two = _state.AddArtifact("add", TinyModel.AddBias([2]));
        _state.Point("add", one);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        using CancellationTokenSource done = new();

        Task<int>[] clients = [.. Enumerable.Range(0, 6).Select(_ => HammerAsync(runner, done.Token))];
        for (int swap = 0; swap < 30; swap++)
        {
            Digest next = swap % 2 == 0 ? two : one;
            _state.Point("add", next, previous: next == one ? two : one);
            RunnerStatus status = await runner.Control.ReconcileAsync("add", CancellationToken.None);
            Assert.Equal((next.ToString(), null), (status.Models.Single().Active, status.Models.Single().Error));
            Assert.Equal(next == one ? 1f : 2f, await runner.AnswerToZeroAsync("add"));
        }
        await done.CancelAsync();

        int[] answered = await Task.WhenAll(clients);
        Assert.All(answered, count => Assert.True(count > 0));
        Assert.Equal(0, (await runner.StatusAsync("add")).Failures);
    }

    [Fact]
    public async Task A_request_that_is_under_way_is_answered_by_the_session_it_entered()
    {
        Digest one = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest two = _state.AddArtifact("add", TinyModel.AddBias([2]));
        using ServedModel served = new("add", concurrency: 2, queue: 2);
        SessionLoader loader = new(new(), concurrency: 2, TimeProvider.System);
        ActiveSession first = loader.Load("add", one, new(_state[$"artifacts/{one.Hex}/files/model.onnx"], null));
        served.Activate(first);

        ActiveSession entered = served.Enter();
        served.Activate(loader.Load("add", two, new(_state[$"artifacts/{two.Hex}/files/model.onnx"], null)));

        Assert.Same(first, entered);
        Assert.Equal(two, served.Enter().Digest);
        Assert.True(first.TryEnter()); // still open for as long as someone is in it
        first.Leave();
        entered.Leave();
        Assert.False(first.TryEnter()); // the last one out has freed the model
    }

    [Fact]
    public async Task A_swap_arrives_by_looking_while_the_supervisor_is_away()
    {
        Digest one = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest two = _state.AddArtifact("add", TinyModel.AddBias([2]));
        _state.Point("add", one);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        _state.Point("add", two, previous: one);
        Task activated = runner.Log.Next(Activated);
        runner.Time.Advance(ModelTable.LookEvery);
        await activated;

        Assert.Equal(2f, await runner.AnswerToZeroAsync("add"));
    }

    [Fact]
    public async Task A_model_whose_slot_appears_is_served_and_one_whose_slot_goes_is_not()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        _state.Point("more", _state.AddArtifact("more", TinyModel.AddBias([5])));
        File.Delete(_state["models/add/slots.json"]);
        RunnerStatus status = await runner.Control.ReconcileAsync(null, CancellationToken.None);

        Assert.Equal(["more"], status.Models.Select(model => model.Model));
        Assert.Equal(404, (await runner.GetAsync("/v2/models/add")).Status);
        Assert.Equal(5f, await runner.AnswerToZeroAsync("more"));
    }

    [Fact]
    public async Task A_model_that_is_put_into_file_mode_is_left_to_its_application()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        _state.Point("more", _state.AddArtifact("more", TinyModel.AddBias([5])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        _state.Write("file-mode/add.json", "{}");
        RunnerStatus status = await runner.Control.ReconcileAsync(null, CancellationToken.None);
        Assert.Equal(["more"], status.Models.Select(model => model.Model));

        File.Delete(_state["file-mode/add.json"]);
        await runner.Control.ReconcileAsync(null, CancellationToken.None);
        Assert.Equal(1f, await runner.AnswerToZeroAsync("add"));
    }

    [Theory]
    [InlineData("truncated", "model.onnx'")]
    [InlineData("garbage", "model.onnx'")]
    [InlineData("missing", "there is no such file")]
    [InlineData("manifest", "digest mismatch")]
    [InlineData("contract", "output 0: the contract says z:FP32[1,1], the model has y:FP32[1,1]")]
    [InlineData("not-finite", "output 'y' is not finite")]
    [InlineData("other-model", "the artifact is for model 'other', not 'add'")]
    public async Task A_digest_that_cannot_serve_changes_nothing_and_says_why(string fault, string expected)
    {
        Digest good = _state.AddArtifact("add", TinyModel.AddBias([1]));
        _state.Point("add", good);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        Digest bad = AddBroken(fault);

        _state.Point("add", bad, previous: good);
        ModelStatus status = (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single();

        Assert.Equal((good.ToString(), bad.ToString(), bad.ToString()), (status.Active, status.Wanted, status.FellBackFrom));
        Assert.Contains(expected, status.Error, StringComparison.Ordinal);
        Assert.Equal(1f, await runner.AnswerToZeroAsync("add"));
    }

    [Fact]
    public async Task A_digest_that_did_not_load_is_not_tried_again_at_every_look_but_when_asked()
    {
        Digest good = _state.AddArtifact("add", TinyModel.AddBias([1]));
        _state.Point("add", good);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        Digest bad = AddBroken("garbage");
        _state.Point("add", bad, previous: good);
        await runner.Control.ReconcileAsync("add", CancellationToken.None);

        // Mended on disk: a look does not find out, the supervisor's word does.
        File.WriteAllBytes(_state[$"artifacts/{bad.Hex}/files/model.onnx"], TinyModel.AddBias([3]));
        _state.Point("more", _state.AddArtifact("more", TinyModel.AddBias([5])));
        Task looked = runner.Log.Next(Activated);
        runner.Time.Advance(ModelTable.LookEvery);
        await looked;
        Assert.Equal(good.ToString(), (await runner.StatusAsync("add")).Active);

        Assert.Equal(bad.ToString(), (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models[0].Active);
    }

    [Theory]
    [InlineData("{}", "slots.json'")]
    [InlineData("""{"schemaVersion":2,"model":"add","active":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}""", "schemaVersion 2 is not known; this build reads 1")]
    [InlineData("""{"schemaVersion":1,"model":"add","active":"latest"}""", "expected a digest")]
    public async Task A_slot_that_cannot_be_read_leaves_what_is_served_alone(string slots, string expected)
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        _state.WriteSlots("add", System.Text.Encoding.UTF8.GetBytes(slots));
        ModelStatus status = (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single();

        Assert.Contains(expected, status.Error, StringComparison.Ordinal);
        Assert.Equal(1f, await runner.AnswerToZeroAsync("add"));
    }

    [Fact]
    public async Task A_flipped_digit_in_a_slot_and_its_putting_aside_leave_what_is_served_alone()
    {
        Digest digest = _state.AddArtifact("add", TinyModel.AddBias([1]));
        _state.Point("add", digest);
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);
        string slots = _state["models/add/slots.json"];

        _state.Write("models/add/slots.json", File.ReadAllText(slots).Replace("\"generation\":7", "\"generation\":9", StringComparison.Ordinal));
        Assert.Contains("its checksum does not match", (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single().Error, StringComparison.Ordinal);

        File.Move(slots, slots + ".bad"); // as the supervisor does before it makes the slot anew
        Assert.Equal(digest.ToString(), (await runner.Control.ReconcileAsync("add", CancellationToken.None)).Models.Single().Active);
        Assert.Equal(1f, await runner.AnswerToZeroAsync("add"));
    }

    [Fact]
    public async Task At_start_the_previous_digest_serves_where_the_active_one_does_not_load()
    {
        Digest golden = _state.AddArtifact("add", TinyModel.AddBias([1]));
        Digest bad = AddBroken("garbage");
        Digest worse = AddBroken("missing");
        _state.Point("add", bad, previous: worse, golden: golden);

        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state);

        ModelStatus status = await runner.StatusAsync("add");
        Assert.Equal((golden.ToString(), bad.ToString(), bad.ToString()), (status.Active, status.Wanted, status.FellBackFrom));
        Assert.Contains(bad.ToString(), status.Error, StringComparison.Ordinal);
        Assert.Equal(200, (await runner.GetAsync("/v2/health/ready")).Status);
    }

    [Fact]
    public async Task A_plain_folder_is_served_without_any_state_and_a_replaced_file_is_loaded_anew()
    {
        _state.Write("plain/note.txt", "not a model");
        File.WriteAllBytes(_state["plain/My_Model.onnx"], TinyModel.AddBias([1]));
        await using RunnerFixture runner = await RunnerFixture.StartAsync(_state, options => options with { State = null, ModelsRoot = _state["plain"] });
        Assert.Equal(1f, await runner.AnswerToZeroAsync("My_Model"));

        File.WriteAllBytes(_state["plain/My_Model.onnx"], TinyModel.AddBias([2], rows: -1));
        Task activated = runner.Log.Next(Activated);
        runner.Time.Advance(ModelTable.LookEvery);
        await activated;

        Assert.Equal(2f, await runner.AnswerToZeroAsync("My_Model"));
    }

    public void Dispose() => _state.Dispose();

    private static async Task<int> HammerAsync(RunnerFixture runner, CancellationToken stop)
    {
        using HttpClient http = RunnerFixture.ClientOf(runner.State["infer.sock"]);
        int answered = 0;
        while (!stop.IsCancellationRequested)
        {
            (int status, string json, float[] values) = await RunnerFixture.PostBinaryAsync(http, "add", 10);
            Assert.True(status == 200, json);
            Assert.Contains(values.Single(), new[] { 11f, 12f });
            answered++;
        }
        return answered;
    }

    private Digest AddBroken(string fault)
    {
        byte[] onnx = TinyModel.AddBias([3]);
        switch (fault)
        {
            case "contract":
                return _state.AddArtifact("add", onnx, new ModelContract([new("x", "FP32", [1, 1])], [new("z", "FP32", [1, 1])]));
            case "not-finite":
                return _state.AddArtifact("add", TinyModel.AddBias([float.NaN]));
            case "other-model":
                return _state.AddArtifact("other", onnx);
        }
        // The signed contract differs by its words, so that each fault has a digest of its own.
        ModelContract contract = new ModelContract([new("x", "FP32", [1, 1])], [new("y", "FP32", [1, 1])]) with { Preprocessing = fault };
        Digest digest = _state.AddArtifact("add", onnx, contract);
        string folder = _state[$"artifacts/{digest.Hex}"];
        switch (fault)
        {
            case "truncated": File.WriteAllBytes(Path.Join(folder, "files/model.onnx"), onnx[..(onnx.Length / 2)]); break;
            case "garbage": File.WriteAllBytes(Path.Join(folder, "files/model.onnx"), [1, 2, 3, 4, 5, 6, 7]); break;
            case "missing": File.Delete(Path.Join(folder, "files/model.onnx")); break;
            case "manifest":
                Digest other = _state.AddArtifact("add", TinyModel.AddBias([4]));
                File.Copy(_state[$"artifacts/{other.Hex}/manifest.dsse.json"], Path.Join(folder, "manifest.dsse.json"), overwrite: true);
                break;
        }
        return digest;
    }
}

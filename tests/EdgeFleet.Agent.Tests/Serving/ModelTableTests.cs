using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.Sessions;
using EdgeFleet.Agent.Serving.Sources;
using EdgeFleet.Core;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Files;
using EdgeFleet.Testing.Onnx;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Agent.Tests.Serving;

public sealed class ModelTableTests : IDisposable
{
    private readonly DeviceState _state = new();
    private readonly WatchedSource _source;
    private readonly ModelTable _table;

    public ModelTableTests()
    {
        ServeOptions options = new() { State = _state.Path, Listen = [] };
        _source = new WatchedSource(new SlotSource(_state.Path));
        _table = new ModelTable(
            _source, new SessionLoader(new InferenceOptions(), 1, TimeProvider.System), new CrashLedger(null, DateTimeOffset.UnixEpoch, LinuxFileStore.Instance, NullLogger.Instance), options,
            TimeProvider.System, NullLogger<ModelTable>.Instance);
    }

    public void Dispose()
    {
        _table.Dispose();
        _state.Dispose();
    }

    [Fact]
    public async Task While_a_new_digest_is_being_loaded_the_old_one_answers_and_nobody_is_told_of_a_fall()
    {
        Digest old = _state.AddArtifact("add", TinyModel.AddBias([1])), wanted = _state.AddArtifact("add", TinyModel.AddBias([2]));
        await ServeAsync(old);
        ModelStatus? during = null;
        _source.OnFind = () => during = Status();

        await ServeAsync(wanted);

        Assert.Equal((old.ToString(), wanted.ToString(), null), (during!.Active, during.Wanted, during.FellBackFrom));
    }

    [Fact]
    public async Task A_fall_from_one_digest_is_forgotten_as_soon_as_another_is_wanted()
    {
        Digest old = _state.AddArtifact("add", TinyModel.AddBias([1])), wanted = _state.AddArtifact("add", TinyModel.AddBias([2]));
        Digest broken = Digest.Of([7]);
        await ServeAsync(old);
        await ServeAsync(broken);
        Assert.Equal(broken.ToString(), Status().FellBackFrom);
        ModelStatus? during = null;
        _source.OnFind = () => during = Status();

        await ServeAsync(wanted);

        Assert.Null(during!.FellBackFrom);
        Assert.Equal((wanted.ToString(), null), (Status().Active, Status().FellBackFrom));
    }

    [Fact]
    public async Task A_file_that_the_disk_has_changed_is_not_served_under_the_digest_of_what_it_was()
    {
        Digest old = _state.AddArtifact("add", TinyModel.AddBias([1])), wanted = _state.AddArtifact("add", TinyModel.AddBias([2]));
        await ServeAsync(old);
        string file = Path.Join(_state.Path, "artifacts", wanted.Hex, "files", "model.onnx");
        byte[] bytes = await File.ReadAllBytesAsync(file);
        // In the weights: it still loads, and answers something else.
        byte[] bias = BitConverter.GetBytes(2f);
        bytes[bytes.AsSpan().LastIndexOf(bias) + bias.Length - 1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);

        await ServeAsync(wanted);

        Assert.Equal((old.ToString(), wanted.ToString()), (Status().Active, Status().FellBackFrom));
        Assert.Contains("model.onnx' is damaged: digest mismatch", Status().Error, StringComparison.Ordinal);
    }

    private Task ServeAsync(Digest digest)
    {
        _state.Point("add", digest);
        return _table.ReconcileAsync("add", retry: true, CancellationToken.None);
    }

    private ModelStatus Status() => _table.Models.Single().Status(residentBytes: 0);

    /// <summary>Lets a test look at the table in the middle of a change.</summary>
    private sealed class WatchedSource(IModelSource inner) : IModelSource
    {
        public Action OnFind { get; set; } = static () => { };

        public IReadOnlyList<string> List() => inner.List();

        public WantedModel Read(string model) => inner.Read(model);

        public ModelFile Find(string model, Digest digest)
        {
            OnFind();
            return inner.Find(model, digest);
        }
    }
}

using System.Text.Json;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Files;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Agent.Tests.Support;

/// <summary>
/// A runner that reads the slots and the artifact's files from the same disk as the real one would, and serves only what is
/// whole. How a digest behaves is the test's choice.
/// </summary>
internal sealed class FakeRunner(IFileStore disk, string root) : IModelRunner
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, RunnerModel> _serving = [];
    private StateFolder _state = new(root, disk);
    private readonly List<(int At, TaskCompletionSource Met)> _missing = [];
    private int _process = 1;
    private int _missed;

    /// <summary>So many more calls find nobody. A clock that does not wait would use up every retry before a test could come back.</summary>
    public int AwayForCalls { get; set; }

    /// <summary>Completes when so many more calls have found nobody.</summary>
    public Task MissedAsync(int calls)
    {
        lock (_gate)
        {
            TaskCompletionSource met = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _missing.Add((_missed + calls, met));
            return met.Task.WaitAsync(TimeSpan.FromSeconds(20));
        }
    }

    /// <summary>Digests that do not load, with the error.</summary>
    public Dictionary<Digest, string> DoNotLoad { get; } = [];

    /// <summary>What the runner counts while a digest serves.</summary>
    public Func<Digest, RunnerModel, RunnerModel> Count { get; set; } = static (_, model) => model;

    public int Reconciles { get; private set; }

    /// <summary>Called when it is asked to look at the slots.</summary>
    public Action? OnReconcile { get; set; }

    /// <summary>The digests that were answered with, in order.</summary>
    public List<Digest> History { get; } = [];

    public Digest? Serving(string model)
    {
        lock (_gate)
        {
            return _serving.TryGetValue(model, out RunnerModel? served) ? served.Active : null;
        }
    }

    /// <summary>The machine starts again on this disk: the runner loads what the slots say before any agent runs.</summary>
    public void Restart(IFileStore surviving)
    {
        lock (_gate)
        {
            _state = new StateFolder(root, surviving);
            _process++;
            _serving.Clear();
            foreach (string model in surviving.List(_state.Models))
            {
                Load(model);
            }
        }
    }

    /// <summary>The agent alone starts again.</summary>
    public void SwitchDisk(IFileStore surviving)
    {
        lock (_gate)
        {
            _state = new StateFolder(root, surviving);
        }
    }

    public void FallBack(string model, Digest from, Digest to, string error)
    {
        lock (_gate)
        {
            _serving[model] = _serving[model] with { Active = to, FellBackFrom = from, Error = error };
        }
    }

    public Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Reconciles++;
            OnReconcile?.Invoke();
            RequireHere();
            Load(model);
            return Task.FromResult(Report());
        }
    }

    public Task<RunnerReport> StatusAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            RequireHere();
            return Task.FromResult(Report());
        }
    }

    /// <summary>What it makes of a share of requests; null: it knows none.</summary>
    public Func<WantedShare, RequestShareReport?> Share { get; set; } = static _ => null;

    /// <summary>The shares that it was asked for; repeats are left out.</summary>
    public List<double> Shares { get; } = [];

    public async Task<RequestShareReport?> ShareAsync(WantedShare share, CancellationToken cancellationToken)
    {
        // Whoever asks again and again on a clock that does not wait must not keep its thread.
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Shares.Count == 0 || !Shares[^1].Equals(share.Percent))
            {
                Shares.Add(share.Percent);
            }
            return Share(share);
        }
    }

    private void RequireHere()
    {
        if (AwayForCalls > 0)
        {
            AwayForCalls--;
            _missed++;
            foreach ((_, TaskCompletionSource met) in _missing.Where(waiting => waiting.At <= _missed))
            {
                met.TrySetResult();
            }
            throw new RunnerAwayException("connection refused");
        }
    }

    private RunnerReport Report() => new(
        DateTimeOffset.UnixEpoch.AddHours(_process), [.. _serving.Values.Select(model => model.Active is { } active ? Count(active, model) : model)]);

    private void Load(string model)
    {
        RunnerModel? before = _serving.GetValueOrDefault(model);
        if (_state.Files.Read(_state.Slots(model)) is not { } slots)
        {
            _serving.Remove(model);
            return;
        }
        Digest wanted;
        try
        {
            wanted = JsonSerializer.Deserialize(slots, SlotsJsonContext.Default.ModelSlots)!.Active;
        }
        catch (JsonException ex)
        {
            _serving[model] = (before ?? new RunnerModel { Model = model, Active = null }) with { Error = ex.Message };
            return;
        }
        if (before?.Active == wanted && before is { FellBackFrom: null, Error: null })
        {
            return;
        }
        string? error = DoNotLoad.GetValueOrDefault(wanted) ?? FirstFault(wanted);
        if (error is not null)
        {
            _serving[model] = (before ?? new RunnerModel { Model = model, Active = null }) with { Error = error };
            return;
        }
        _serving[model] = new RunnerModel { Model = model, Active = wanted };
        History.Add(wanted);
    }

    /// <summary>Why an artifact on disk cannot be served; null when every file is there and is what was signed.</summary>
    private string? FirstFault(Digest digest)
    {
        if (_state.Files.Read(StateFolder.Envelope(_state.Artifact(digest))) is not { } envelope)
        {
            return $"artifact {digest.Short} is not on this device";
        }
        try
        {
            foreach (ArtifactFile file in ArtifactManifest.FromBytes(DsseEnvelope.Parse(envelope).Payload.Span).Files)
            {
                byte[]? content = _state.Files.Read(Path.Join(_state.ArtifactFiles(digest), file.Path));
                if (content is null || Digest.Of(content) != file.Sha256)
                {
                    return $"file '{file.Path}' of artifact {digest.Short} is missing or damaged";
                }
            }
            return null;
        }
        catch (FormatException ex)
        {
            return ex.Message;
        }
    }
}

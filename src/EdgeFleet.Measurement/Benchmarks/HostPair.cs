using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Inference;
using EdgeFleet.Measurement.Hosts;

namespace EdgeFleet.Measurement.Benchmarks;

/// <summary>
/// Both models, each in a process of its own; the one whose turn it is not waits at its pipe. Where memory does not allow both
/// at once, one is freed before the other is loaded.
/// </summary>
internal sealed class HostPair : IAsyncDisposable
{
    private const int LargestPadding = 256 * 1024;
    /// <summary>An engine that takes minutes to build is not built for each block.</summary>
    private static readonly TimeSpan s_quickLoad = TimeSpan.FromSeconds(3);

    private readonly BenchSetup _setup;
    private readonly ProcessorChoice _processors;
    private readonly bool _oneAtATime;
    private readonly Dictionary<MeasuredModel, HostProcess> _hosts = [];
    private readonly Dictionary<MeasuredModel, LoadRequest> _sessions = [];
    private readonly HashSet<MeasuredModel> _loaded = [];
    private TimeSpan _longestLoad;
    private bool _counting;
    private int _counterGroups;

    private HostPair(BenchSetup setup, ProcessorChoice processors, bool oneAtATime) => (_setup, _processors, _oneAtATime) = (setup, processors, oneAtATime);

    public int Sessions { get; private set; }

    /// <summary>Different inputs that a model is fed with.</summary>
    public int Inputs { get; private set; } = 1;

    public static async Task<HostPair> StartAsync(BenchSetup setup, ProcessorChoice processors, bool oneAtATime, CancellationToken cancellationToken)
    {
        HostPair pair = new(setup, processors, oneAtATime);
        try
        {
            foreach (MeasuredModel model in setup.ModelsInRandomOrder())
            {
                pair._hosts[model] = await HostProcess.StartAsync(setup.HostOf(model), cancellationToken).ConfigureAwait(false);
            }
            return pair;
        }
        catch
        {
            await pair.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>As <see cref="LoadAnewAsync"/>, with processor counters around each session.</summary>
    /// <returns>How many groups of counters there are.</returns>
    public async Task<int> LoadForCountingAsync(SessionChoice choice, CancellationToken cancellationToken)
    {
        _counting = true;
        await LoadAnewAsync(choice, cancellationToken).ConfigureAwait(false);
        return _counterGroups;
    }

    /// <summary>Frees both.</summary>
    public async Task UnloadAsync(CancellationToken cancellationToken)
    {
        foreach (MeasuredModel model in _loaded)
        {
            await _hosts[model].UnloadAsync(cancellationToken).ConfigureAwait(false);
        }
        _loaded.Clear();
    }

    /// <summary>New sessions for both, unless one of them takes so long to load that it keeps its session.</summary>
    public Task RenewAsync(SessionChoice choice, CancellationToken cancellationToken) =>
        Sessions == 0 || _longestLoad < s_quickLoad ? LoadAnewAsync(choice, cancellationToken) : Task.CompletedTask;

    /// <summary>New sessions for both, in an order, behind paddings and on processors that the coin says.</summary>
    /// <exception cref="BenchException">One does not load, or the two have different contracts.</exception>
    public async Task LoadAnewAsync(SessionChoice choice, CancellationToken cancellationToken)
    {
        Sessions++;
        string? cpus = _processors.Draw(_setup.Coin);
        Dictionary<MeasuredModel, ModelContract> contracts = [];
        foreach (MeasuredModel model in _setup.ModelsInRandomOrder())
        {
            _sessions[model] = new LoadRequest(
                _setup.PathOf(model), choice, _setup.Job.InputPath, _setup.Job.Seed, _setup.Coin.Below(LargestPadding), cpus, Counters: _counting);
            _loaded.Remove(model);
            LoadReply reply = await LoadAsync(model, cancellationToken).ConfigureAwait(false);
            (Inputs, _counterGroups) = (reply.Inputs, reply.CounterGroups);
            contracts[model] = reply.Contract;
        }
        if (_setup.IsPaired && Unlike(contracts[MeasuredModel.Baseline], contracts[MeasuredModel.Candidate], choice.FreeDimension) is { } unlike)
        {
            throw new BenchException(BenchException.ContractChanged, $"model '{_setup.Job.CandidatePath}' against '{_setup.Job.BaselinePath}': {unlike}");
        }
    }

    private static string? Unlike(ModelContract baseline, ModelContract candidate, long freeDimension) =>
        ContractChecks.FirstMismatch(baseline, candidate) ?? ContractChecks.OtherWork(baseline, candidate, freeDimension);

    public async Task<CellReply> MeasureAsync(MeasuredModel model, CellRequest cell, CancellationToken cancellationToken)
    {
        await EnsureLoadedAsync(model, cancellationToken).ConfigureAwait(false);
        return await _hosts[model].MeasureAsync(cell, cancellationToken).ConfigureAwait(false);
    }

    public async Task<OutputReply> ReadOutputsAsync(MeasuredModel model, OutputRequest request, CancellationToken cancellationToken)
    {
        await EnsureLoadedAsync(model, cancellationToken).ConfigureAwait(false);
        return await _hosts[model].ReadOutputsAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess host in _hosts.Values)
        {
            await host.DisposeAsync().ConfigureAwait(false);
        }
        _hosts.Clear();
    }

    private async Task EnsureLoadedAsync(MeasuredModel model, CancellationToken cancellationToken)
    {
        if (!_loaded.Contains(model))
        {
            await LoadAsync(model, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<LoadReply> LoadAsync(MeasuredModel model, CancellationToken cancellationToken)
    {
        if (_oneAtATime)
        {
            foreach (MeasuredModel other in _loaded.Where(other => other != model).ToList())
            {
                await _hosts[other].UnloadAsync(cancellationToken).ConfigureAwait(false);
                _loaded.Remove(other);
            }
        }
        LoadReply reply = await _hosts[model].LoadAsync(_sessions[model], cancellationToken).ConfigureAwait(false);
        _loaded.Add(model);
        TimeSpan took = TimeSpan.FromMilliseconds(reply.LoadMs + reply.FirstMs + reply.SecondMs);
        _longestLoad = took > _longestLoad ? took : _longestLoad;
        return reply;
    }
}

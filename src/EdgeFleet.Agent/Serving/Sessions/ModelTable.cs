using System.Collections.Concurrent;
using System.Diagnostics;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sources;
using EdgeFleet.Core;
using EdgeFleet.Inference;
using EdgeFleet.Linux.Memory;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Serving.Sessions;

/// <summary>
/// Brings what is served to what the slots say: when asked on the control socket, and by looking every few seconds, so that
/// a swap arrives even while the supervisor is away. One model is loaded at a time.
/// </summary>
internal sealed partial class ModelTable : IDisposable
{
    /// <summary>After this long without a crash a digest is trusted.</summary>
    public static readonly TimeSpan HealthyAfter = TimeSpan.FromMinutes(1);
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, ServedModel> _models = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ServedModel>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly Dictionary<string, Digest> _failed = new(StringComparer.Ordinal);
    private readonly HashSet<(string Model, Digest Digest)> _unproven = [];
    private readonly SemaphoreSlim _one = new(1);
    private bool _replaced;
    private readonly IModelSource _source;
    private readonly SessionLoader _loader;
    private readonly CrashLedger _ledger;
    private readonly ServeOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelTable> _logger;

    public ModelTable(IModelSource source, SessionLoader loader, CrashLedger ledger, ServeOptions options, TimeProvider time, ILogger<ModelTable> logger)
    {
        (_source, _loader, _ledger, _options, _time, _logger) = (source, loader, ledger, options, time, logger);
        _byName = _models.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public IEnumerable<ServedModel> Models => _models.Values.OrderBy(model => model.Name, StringComparer.Ordinal);

    /// <summary>Every model that a slot names has a session that answers.</summary>
    public bool Ready { get; private set; }

    /// <exception cref="RequestException">No such model.</exception>
    public ServedModel Find(ReadOnlySpan<char> name) => _byName.TryGetValue(name, out ServedModel? model)
        ? model
        : throw RequestException.NotFound($"model '{name}' is not served here; served: {(_models.IsEmpty ? "none" : string.Join(", ", Models.Select(model => model.Name)))}");

    /// <param name="name">The model.</param>
    /// <param name="version">The version that has to be the active one, or nothing for whichever is.</param>
    /// <exception cref="RequestException">No such model, or another version.</exception>
    public ServedModel Find(string name, string version)
    {
        ServedModel model = Find(name);
        if (version.Length > 0)
        {
            model.RequireVersion(version);
        }
        return model;
    }

    /// <summary>Looks at the slots again. A digest that did not load is tried again only when <paramref name="retry"/> says so.</summary>
    public async Task ReconcileAsync(string? model, bool retry, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            IReadOnlyList<string> names = _source.List();
            foreach (string gone in _models.Keys.Except(names).Where(name => model is null || name == model))
            {
                if (_models.TryRemove(gone, out ServedModel? removed))
                {
                    LogRemoved(gone);
                    removed.Dispose();
                }
            }
            foreach (string name in names.Where(name => model is null || name == model))
            {
                // Loading takes tens of milliseconds to minutes and holds a core: not on a thread that answers requests.
                await Task.Run(() => Reconcile(_models.GetOrAdd(name, NewModel), retry), cancellationToken);
            }
            Ready = !_models.IsEmpty && _models.Values.All(served => served.Active is not null);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Looks every few seconds until it is cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(LookEvery, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                await ReconcileAsync(model: null, retry: false, cancellationToken);
            }
            catch (IOException ex)
            {
                // The folder is away; what is loaded goes on answering and the next look tries again.
                LogLookFailed(ex);
            }
            await TrustTheHealthyAsync(cancellationToken);
            if (_replaced)
            {
                // By now the replaced session has answered its last request.
                _replaced = false;
                NativeHeap.Trim();
            }
        }
    }

    public void EndOrderly() => _ledger.EndOrderly();

    public void Dispose()
    {
        foreach (ServedModel model in _models.Values)
        {
            model.Dispose();
        }
        _one.Dispose();
    }

    private ServedModel NewModel(string name) => new(name, _options.Concurrency, _options.Queue);

    private void Reconcile(ServedModel served, bool retry)
    {
        WantedModel wanted;
        try
        {
            wanted = _source.Read(served.Name);
        }
        catch (ModelSourceException ex)
        {
            Fail(served, ex.Message);
            return;
        }
        if (served.Wanted is { } before && before != wanted.Active)
        {
            // Someone decided anew: what this digest did in an earlier life no longer counts.
            _ledger.Clear(served.Name, wanted.Active);
        }
        served.Wanted = wanted.Active;
        if (served.FellBackFrom != wanted.Active)
        {
            served.FellBackFrom = null;
        }
        if (served.Active?.Digest == wanted.Active)
        {
            served.FellBackFrom = null;
            served.Error = null;
            return;
        }
        if (!retry && _failed.TryGetValue(served.Name, out Digest failed) && failed == wanted.Active && served.Active is not null)
        {
            return;
        }
        if (TryActivate(served, wanted.Active))
        {
            _failed.Remove(served.Name);
            served.FellBackFrom = null;
            served.Error = null;
            return;
        }
        _failed[served.Name] = wanted.Active;
        if (served.Active is null)
        {
            string why = served.Error!;
            _ = wanted.Fallbacks.Any(fallback => TryActivate(served, fallback));
            served.Error = why;
        }
        served.FellBackFrom = served.Active is null ? null : wanted.Active;
    }

    private bool TryActivate(ServedModel served, Digest digest)
    {
        int crashes = _ledger.CrashesOf(served.Name, digest);
        if (crashes >= CrashLedger.Limit)
        {
            Fail(served, $"artifact {digest} ended the runner {crashes} times in a row before a healthy minute");
            return false;
        }
        long start = Stopwatch.GetTimestamp();
        try
        {
            ModelFile file = _source.Find(served.Name, digest);
            _ledger.Charge(served.Name, digest);
            ActiveSession session = _loader.Load(served.Name, digest, file);
            _ledger.Loaded();
            _replaced |= served.Active is not null;
            served.Activate(session);
            _unproven.Add((served.Name, digest));
            LogActivated(served.Name, digest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            return true;
        }
        catch (Exception ex) when (ex is InferenceException or ModelSourceException)
        {
            _ledger.Loaded();
            _ledger.Clear(served.Name, digest);
            Fail(served, $"artifact {digest}: {ex.Message}");
            return false;
        }
    }

    private void Fail(ServedModel served, string error)
    {
        if (served.Error != error)
        {
            LogNotActivated(served.Name, error, served.Active?.Version ?? "nothing");
        }
        served.Error = error;
    }

    private async Task TrustTheHealthyAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            foreach ((string model, Digest digest) in _unproven.ToArray())
            {
                ActiveSession? active = _models.TryGetValue(model, out ServedModel? served) ? served.Active : null;
                bool replaced = active?.Digest != digest;
                if (replaced || _time.GetElapsedTime(active!.SinceTimestamp) >= HealthyAfter)
                {
                    _ledger.Clear(model, digest);
                    _unproven.Remove((model, digest));
                }
            }
        }
        finally
        {
            _one.Release();
        }
    }

    [LoggerMessage(EventId = 2001, Level = LogLevel.Information, Message = "Model {Model} is now answered by {Digest}; loaded in {Milliseconds:0.0} ms")]
    private partial void LogActivated(string model, Digest digest, double milliseconds);

    [LoggerMessage(EventId = 2002, Level = LogLevel.Warning, Message = "Model {Model} was not changed: {Reason}; {Active} goes on answering")]
    private partial void LogNotActivated(string model, string reason, string active);

    [LoggerMessage(EventId = 2003, Level = LogLevel.Information, Message = "Model {Model} has no slot any more and is no longer served")]
    private partial void LogRemoved(string model);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "The models' folder could not be read; what is loaded goes on answering")]
    private partial void LogLookFailed(Exception exception);
}

using System.Collections.Concurrent;
using System.Diagnostics;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Agent.Serving.OpenInference;
using EdgeFleet.Agent.Serving.Sources;
using EdgeFleet.Agent.Trials;
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
            EndLapsedShares();
            await TrustTheHealthyAsync(cancellationToken);
            if (_replaced)
            {
                // By now the replaced session has answered its last request.
                _replaced = false;
                NativeHeap.Trim();
            }
        }
    }

    /// <summary>
    /// Lets a candidate answer a share of a model's requests, goes on with one that has been asked for before, or ends it. What
    /// came of it is in the model's status.
    /// </summary>
    /// <exception cref="RequestException">No such model.</exception>
    public async Task ShareAsync(string model, Digest candidate, double percent, ulong seed, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            ServedModel served = Find(model);
            RequestShare? now = served.Share;
            if (percent > 0 && now is not null && now.Candidate.Digest == candidate && now.Percent.Equals(percent) && now.IsOver is not ShareCodes.Lapsed)
            {
                // One that broke an invariant stays ended until it is given up by whoever asked for it.
                now.Renew();
                return;
            }
            if (now is not null && _unproven.Remove((model, now.Candidate.Digest)))
            {
                _ledger.Release(model, now.Candidate.Digest);
            }
            served.Begin(null);
            if (percent > 0)
            {
                await Task.Run(() => BeginShare(served, candidate, percent, seed), cancellationToken);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    private void BeginShare(ServedModel served, Digest digest, double percent, ulong seed)
    {
        (ShareEnd? refusal, ActiveSession? session) = LoadBeside(served, digest);
        if (session is null)
        {
            LogShareRefused(served.Name, digest, refusal!.Reason);
            served.Refuse(new ShareStatus
            {
                Candidate = digest.ToString(),
                Since = _time.GetUtcNow(),
                Percent = 0,
                AskedPercent = percent,
                Code = refusal.Code,
                Reason = refusal.Reason,
                BaselineArm = ArmStatus.None,
                CandidateArm = ArmStatus.None,
            });
            return;
        }
        _unproven.Add((served.Name, digest));
        served.Begin(new RequestShare(session, percent, seed, _time.GetUtcNow(), _time));
        LogShareBegan(served.Name, digest, percent);
    }

    private (ShareEnd? Refusal, ActiveSession? Session) LoadBeside(ServedModel served, Digest digest)
    {
        if (served.Active is not { } active || active.Digest == digest)
        {
            return (new(ShareCodes.NoBaseline, served.Active is null ? "nothing is active" : $"{digest} is what is active"), null);
        }
        int crashes = _ledger.CrashesOf(served.Name, digest);
        if (crashes >= CrashLedger.Limit)
        {
            return (new(ShareCodes.Crashed, $"artifact {digest} ended the runner {crashes} times in a row before a healthy minute"), null);
        }
        try
        {
            ModelFile file = _source.Find(served.Name, digest);
            if (ShortOfMemory(new FileInfo(file.Path).Length) is { } before)
            {
                return (new(ShareCodes.NoMemory, before), null);
            }
            _ledger.Charge(served.Name, digest);
            ActiveSession session = _loader.Load(served.Name, digest, file);
            _ledger.Loaded();
            // What a request names and how it is read are the baseline's: a candidate that wants more cannot take its place.
            string? other = active.Names.Contract.FirstDifference(session.Names.Contract);
            string? after = other is null ? ShortOfMemory(0) : null;
            if (other is null && after is null)
            {
                return (null, session);
            }
            session.Retire();
            _replaced = true;
            _ledger.Release(served.Name, digest);
            return (other is not null ? new(ShareCodes.OtherContract, other) : new(ShareCodes.NoMemory, after!), null);
        }
        catch (Exception ex) when (ex is InferenceException or ModelSourceException)
        {
            _ledger.Loaded();
            _ledger.Clear(served.Name, digest);
            return (new(ShareCodes.DoesNotLoad, $"artifact {digest}: {ex.Message}"), null);
        }
    }

    /// <summary>The device keeps the share of free memory below which a shadow rests. What a model takes nobody knows before; its file is the least.</summary>
    private string? ShortOfMemory(long bytes)
    {
        DeviceMemory memory = DeviceMemory.Read(_options.Device);
        return memory.Available.Value is { } available && memory.Total.Value is { } total && available - bytes < total * DeviceStrain.ScarceMemory
            ? FormattableString.Invariant($"{available / (1 << 20):0} of {total / (1 << 20):0} MiB can be had, {bytes / (double)(1 << 20):0.#} are asked for and {DeviceStrain.ScarceMemory:P0} of all is kept: no room for a second session")
            : null;
    }

    private static ActiveSession? SessionOf(ServedModel served, Digest digest) =>
        served.Active is { } active && active.Digest == digest ? active
        : served.Share is { } share && share.Candidate.Digest == digest && !share.Ended ? share.Candidate
        : null;

    private void EndLapsedShares()
    {
        foreach (ServedModel served in _models.Values)
        {
            if (served.Share is { Lapsed: true } share && share.End(new ShareEnd(ShareCodes.Lapsed, $"nobody asked for it for {RequestShare.Lease.TotalSeconds:0} s")))
            {
                LogShareLapsed(served.Name, share.Candidate.Digest);
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
                ActiveSession? session = _models.TryGetValue(model, out ServedModel? served) ? SessionOf(served, digest) : null;
                if (session is null || _time.GetElapsedTime(session.SinceTimestamp) >= HealthyAfter)
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

    [LoggerMessage(EventId = 2005, Level = LogLevel.Information, Message = "Model {Model}: {Digest} now answers {Percent} % of the requests beside what is active")]
    private partial void LogShareBegan(string model, Digest digest, double percent);

    [LoggerMessage(EventId = 2006, Level = LogLevel.Warning, Message = "Model {Model}: {Digest} answers no requests: {Reason}")]
    private partial void LogShareRefused(string model, Digest digest, string reason);

    [LoggerMessage(EventId = 2007, Level = LogLevel.Warning, Message = "Model {Model}: nobody asks for the share of {Digest} any more; what is active answers all requests")]
    private partial void LogShareLapsed(string model, Digest digest);

    [LoggerMessage(EventId = 2004, Level = LogLevel.Warning, Message = "The models' folder could not be read; what is loaded goes on answering")]
    private partial void LogLookFailed(Exception exception);
}

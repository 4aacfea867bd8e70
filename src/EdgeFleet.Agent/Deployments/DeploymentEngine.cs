using System.Collections.Concurrent;
using EdgeFleet.Agent.Applications;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Devices;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments;

/// <summary>All deployments of a device: one worker per model, and what they share.</summary>
internal sealed partial class DeploymentEngine(
    DeploymentServices services, DesiredStore desired, ContentCollector collector, FleetClock clock, ILogger<DeploymentEngine> log) : IDisposable
{
    private readonly ConcurrentDictionary<string, ModelWorker> _workers = new(StringComparer.Ordinal);
    /// <summary>Models whose request a worker has in hand.</summary>
    private readonly ConcurrentDictionary<string, bool> _asked = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly DiskReserve _reserve = new(services.State);
    private readonly RunnerPresence _runner = new(services.Reports, services.Time, log);
    private readonly ApplicationPresence _applications = new(services.Reports, log);
    private readonly Lock _contentGate = new();
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _running = [];
    private CancellationToken _stopping;
    private volatile bool _started;
    private int _contentUsers;
    private readonly HashSet<string> _starting = new(StringComparer.Ordinal);
    private bool _collectLater;

    public long Generation => desired.Generation;

    public DateTimeOffset? Now => clock.Now;

    public IEnumerable<ModelWorker> Workers => _workers.Values;

    /// <summary>A phase was saved and reported.</summary>
    public event Action<DeploymentRecord>? PhaseSaved;

    /// <summary>A model is where it should be, or parked; everything up to there is on disk.</summary>
    public event Action<string>? ModelSettled;

    public DesiredDeployment? Desired(string model) => desired.Find(model);

    /// <summary>Runs until cancelled; ends with the exception of the first worker that meets one it does not expect.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _stopping = cancellationToken;
        _started = true;
        string[] models = [.. services.Files.Models.Union(services.Slots.Models).Union(desired.Models.Keys)];
        lock (_contentGate)
        {
            _starting.UnionWith(models);
        }
        foreach (string model in models)
        {
            MakeBusyLock(model);
            Worker(model);
        }
        CollectGarbage();
        Task[] loops = [WatchRunnerAsync(cancellationToken), WatchApplicationsAsync(cancellationToken), WatchRequestsAsync(cancellationToken), services.Reports.SayOwedAsync(cancellationToken)];
        Task first = await Task.WhenAny([.. loops, _failed.Task]).ConfigureAwait(false);
        await first.ConfigureAwait(false);
    }

    /// <summary>Waits until every worker has ended, after the token of <see cref="RunAsync"/> was cancelled.</summary>
    public async Task WaitForWorkersAsync()
    {
        Task[] running;
        lock (_running)
        {
            running = [.. _running];
        }
        await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>To be called when the workers have ended because the agent was told to end.</summary>
    public void EndedInOrder()
    {
        foreach (ModelWorker worker in _workers.Values)
        {
            worker.EndedInOrder();
        }
    }

    /// <summary>The desired state of these models is another now.</summary>
    public void DesiredChanged(IEnumerable<string> models)
    {
        if (!_started)
        {
            // The start looks at everything.
            return;
        }
        foreach (string model in models)
        {
            Worker(model).Wake();
        }
    }

    public void LinkIsBack()
    {
        foreach (ModelWorker worker in _workers.Values)
        {
            worker.LinkIsBack();
        }
    }

    public void Saved(DeploymentRecord record)
    {
        if (record.Ended)
        {
            CollectGarbage();
        }
        PhaseSaved?.Invoke(record);
    }

    /// <summary>There is nothing to do for a model until something changes.</summary>
    public void Settled(string model) => ModelSettled?.Invoke(model);

    /// <summary>The model's record is read and its slots are whole.</summary>
    public void Started(string model)
    {
        lock (_contentGate)
        {
            if (_starting.Remove(model) && _collectLater)
            {
                CollectWhenAllowed();
            }
        }
    }

    /// <summary>A worker has done what it was asked for, or could not take it now and is to be asked again.</summary>
    public void Answered(string model, LocalRollback rollback, bool done)
    {
        if (!rollback.Requested)
        {
            return;
        }
        if (done)
        {
            RollbackRequest.Remove(services.State, model);
        }
        _asked.TryRemove(model, out _);
    }

    public Task TakeTurnAsync(CancellationToken cancellationToken) => _turn.WaitAsync(cancellationToken);

    public void EndTurn() => _turn.Release();

    public void GiveUpReserve()
    {
        LogDiskFull();
        _reserve.GiveUp();
    }

    /// <summary>While this is held nothing is collected: content is being brought in that no record names yet.</summary>
    public IDisposable UseContent()
    {
        lock (_contentGate)
        {
            _contentUsers++;
        }
        return new ContentUse(this);
    }

    /// <summary>
    /// Collects now, or as soon as no content is being brought in and every model has started: slots that a start is about
    /// to repair name nothing yet.
    /// </summary>
    public void CollectGarbage()
    {
        lock (_contentGate)
        {
            CollectWhenAllowed();
        }
    }

    public void Dispose() => _turn.Dispose();

    private void CollectWhenAllowed()
    {
        _collectLater = _contentUsers > 0 || _starting.Count > 0;
        if (!_collectLater)
        {
            Collect();
        }
    }

    /// <summary>For models that were here before there were such locks; later ones are made with the first swap.</summary>
    private void MakeBusyLock(string model)
    {
        try
        {
            services.Busy?.Make(model);
        }
        catch (IOException ex)
        {
            LogNoBusyLock(model, ex.Message);
        }
    }

    private void Collect()
    {
        List<Digest> wanted = [];
        foreach (string model in services.Files.Models.Union(desired.Models.Keys))
        {
            DeploymentRecord? record = _workers.TryGetValue(model, out ModelWorker? worker) ? worker.Record ?? services.Files.Load(model) : services.Files.Load(model);
            if (record is { Ended: false })
            {
                wanted.AddRange(new[] { record.Digest, record.Before, record.PreviousBefore, record.GoldenBefore }.OfType<Digest>());
            }
            if (desired.Find(model) is { } next && !(record is { Ended: true } && record.IsFor(next) && !DeploymentMachine.IsSuccess(record.Phase)))
            {
                wanted.Add(next.Digest);
            }
        }
        try
        {
            collector.Collect(wanted);
            _reserve.Restore();
        }
        catch (IOException ex)
        {
            // Space is not won this time; the next end of a deployment tries again.
            LogCollectFailed(ex);
        }
    }

    private ModelWorker Worker(string model)
    {
        lock (_running)
        {
            if (_workers.TryGetValue(model, out ModelWorker? known))
            {
                return known;
            }
            ModelWorker worker = new(model, services, this, log);
            _workers[model] = worker;
            _running.Add(RunWorkerAsync(worker));
            return worker;
        }
    }

    private async Task RunWorkerAsync(ModelWorker worker)
    {
        await Task.Yield();
        try
        {
            await worker.RunAsync(_stopping).ConfigureAwait(false);
        }
        catch (Exception ex)
        {
            // Whatever it is, the engine's owner awaits it: a worker that met what it does not expect ends the process.
            _failed.TrySetException(ex);
            throw;
        }
    }

    /// <summary>Sees a runner that fell back by itself, and makes that durable; says when it is away.</summary>
    private async Task WatchRunnerAsync(CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(services.Options.RunnerWatch, services.Time);
        do
        {
            if (services.Slots.Models.Any(model => !services.Runners.IsFileMode(model)))
            {
                try
                {
                    RunnerReport report = await services.Runners.Runner.StatusAsync(cancellationToken).ConfigureAwait(false);
                    _runner.Answered();
                    await CatchUpAsync(services.Runners.Runner, report, cancellationToken).ConfigureAwait(false);
                }
                catch (RunnerAwayException ex)
                {
                    LogRunnerAway(ex.Message, services.Options.RunnerWatch);
                    _runner.Missed(ex.Message);
                }
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>The same for applications that load their files themselves. Apart from the runner: a hook may take its time.</summary>
    private async Task WatchApplicationsAsync(CancellationToken cancellationToken)
    {
        if (services.Runners.Applications is not { } applications)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
            return;
        }
        using PeriodicTimer timer = new(services.Options.RunnerWatch, services.Time);
        do
        {
            try
            {
                RunnerReport report = await applications.StatusAsync(cancellationToken).ConfigureAwait(false);
                _applications.Look(report);
                await CatchUpAsync(applications, report, cancellationToken).ConfigureAwait(false);
            }
            catch (IOException ex)
            {
                // A full disk: the hook is not run before it can be written that it is.
                LogApplicationNotTold(ex, services.Options.RunnerWatch);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    private async Task CatchUpAsync(IModelRunner runner, RunnerReport report, CancellationToken cancellationToken)
    {
        foreach (string behind in Look(report))
        {
            LogRunnerBehind(behind);
            await runner.ReconcileAsync(behind, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The models of which the runner serves something else than the slots say, though no deployment is on its way.</summary>
    private List<string> Look(RunnerReport report)
    {
        List<string> behind = [];
        foreach (RunnerModel served in report.Models)
        {
            if (served.Since is { } since && served.Active is { } active)
            {
                services.Reports.Serving(served.Model, active, since);
            }
            if (!Identifier.IsValid(served.Model) || services.Slots.Read(served.Model)?.Active is not { } wanted || wanted == served.Active)
            {
                continue;
            }
            // The answer may be older than the slots: only a fall from what they name now is one.
            bool fell = served.FellBackFrom == wanted;
            if (!fell && !(served.AskAgainAt > services.Time.GetUtcNow()) && _workers.TryGetValue(served.Model, out ModelWorker? worker) && worker.Record is null or { Ended: true })
            {
                behind.Add(served.Model);
            }
            if (fell && served.Active is { } instead)
            {
                Worker(served.Model).RollBack(new LocalRollback(
                    instead, FailureCodes.CrashLoop, $"the runner fell back from {wanted.Short} to {instead.Short}: {served.Error ?? "it crashed repeatedly"}", Invariant: true));
            }
        }
        return behind;
    }

    /// <summary>Requests that <c>edgefleet-agent rollback</c> left.</summary>
    private async Task WatchRequestsAsync(CancellationToken cancellationToken)
    {
        if (services.Options.RequestWatch == Timeout.InfiniteTimeSpan)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
        }
        using PeriodicTimer timer = new(services.Options.RequestWatch, services.Time);
        do
        {
            foreach (string model in RollbackRequest.Waiting(services.State).Where(model => _asked.TryAdd(model, true)))
            {
                if (RollbackRequest.Read(services.State, model) is not { } request
                    || !Worker(model).RollBack(new LocalRollback(request.Target, FailureCodes.RolledBackHere, request.Reason, Invariant: false, Requested: true)))
                {
                    _asked.TryRemove(model, out _);
                }
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false));
    }

    private void EndUse()
    {
        lock (_contentGate)
        {
            _contentUsers--;
            if (_collectLater)
            {
                CollectWhenAllowed();
            }
        }
    }

    [LoggerMessage(EventId = 3221, Level = LogLevel.Debug, Message = "The runner does not answer ({Reason}); it is asked again in {Interval}")]
    private partial void LogRunnerAway(string reason, TimeSpan interval);

    [LoggerMessage(EventId = 3224, Level = LogLevel.Warning, Message = "Model {Model}: the runner serves something else than the slots say; it is asked to look again")]
    private partial void LogRunnerBehind(string model);

    [LoggerMessage(EventId = 3228, Level = LogLevel.Error, Message = "An application could not be told of its files; next attempt in {Interval}")]
    private partial void LogApplicationNotTold(Exception exception, TimeSpan interval);

    [LoggerMessage(EventId = 3229, Level = LogLevel.Warning, Message = "Model {Model}: its busy lock could not be made ({Reason}); the next activation tries again")]
    private partial void LogNoBusyLock(string model, string reason);

    [LoggerMessage(EventId = 3222, Level = LogLevel.Error, Message = "The disk is full; the reserve is given up so that the state can be saved")]
    private partial void LogDiskFull();

    [LoggerMessage(EventId = 3223, Level = LogLevel.Warning, Message = "What nothing names any more could not be removed; it is tried again after the next deployment")]
    private partial void LogCollectFailed(Exception exception);

    private sealed class ContentUse(DeploymentEngine engine) : IDisposable
    {
        public void Dispose() => engine.EndUse();
    }
}

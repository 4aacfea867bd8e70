using System.Numerics;
using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Deployments.Acts;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Slots;
using EdgeFleet.Agent.State;
using EdgeFleet.Agent.Syncing;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments;

/// <summary>
/// Takes one model through its deployments: decide, save, act. The record is on disk before the act that it names begins,
/// and whatever happens the next step is decided from it anew.
/// </summary>
internal sealed partial class ModelWorker
{
    private readonly DeploymentServices _services;
    private readonly DeploymentEngine _engine;
    private readonly ILogger _log;
    private readonly Wakeup _wakeup = new();
    private readonly ActRunner _acts;
    private readonly Backoff _retry;
    private readonly Backoff _runnerRetry;
    private volatile DeploymentRecord? _record;
    private LocalRollback? _localRollback;
    private readonly MaintenanceClock _windows;
    private readonly SwapTurn _swap;
    private bool _busy;
    /// <summary>Retries in a row, counted against the deployment or not.</summary>
    private int _retried;

    public ModelWorker(string model, DeploymentServices services, DeploymentEngine engine, ILogger log)
    {
        Model = model;
        _services = services;
        _engine = engine;
        _log = log;
        _acts = new ActRunner(services, engine, log);
        _windows = new MaintenanceClock(services.Time);
        _swap = new SwapTurn(model, services, log);
        _retry = new Backoff(services.Options.FirstRetry, services.Options.LongestRetry, Random.Shared);
        _runnerRetry = new Backoff(services.Options.FirstRunnerRetry, services.Options.LongestRunnerRetry, Random.Shared);
    }

    public string Model { get; }

    public DeploymentRecord? Record => _record;

    /// <summary>The desired state of this model changed.</summary>
    public void Wake() => _wakeup.Set();

    /// <summary>The link is back: a download that waits may try at once.</summary>
    public void LinkIsBack()
    {
        if (_record is { Phase: DeploymentPhase.Offered or DeploymentPhase.Accepted })
        {
            _wakeup.Set();
        }
    }

    /// <summary>Asks for what serves to be taken back here, whatever the controller thinks. False: another one is waiting.</summary>
    public bool RollBack(LocalRollback rollback)
    {
        bool taken = Interlocked.CompareExchange(ref _localRollback, rollback, null) is null;
        _wakeup.Set();
        return taken;
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await WorkAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _swap.Release();
        }
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        int failures = 0;
        bool started = false;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (!started)
                {
                    await StartAsync(cancellationToken).ConfigureAwait(false);
                    started = true;
                    _engine.Started(Model);
                }
                await StepAsync(cancellationToken).ConfigureAwait(false);
                failures = 0;
            }
            catch (IOException ex)
            {
                // The record could not be saved, so nothing has changed: it is decided anew, as after a start. One that is saved and
                // cannot be reported does not come here.
                if (DiskReserve.IsFull(ex))
                {
                    _engine.GiveUpReserve();
                }
                TimeSpan pause = TimeSpan.FromMilliseconds(Math.Min(30_000, 200 << Math.Min(++failures, 7)));
                LogSaveFailed(ex, Model, pause);
                await Task.Delay(pause, _services.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>The agent was told to end, and the worker has: what is on trial is not to blame.</summary>
    public void EndedInOrder()
    {
        if (_record is not { Phase: DeploymentPhase.Activating or DeploymentPhase.Probation, Blameless: false } record)
        {
            return;
        }
        try
        {
            _services.Files.Save(record with { Blameless = true });
        }
        catch (IOException ex)
        {
            LogEndNotSaved(Model, ex.Message);
        }
    }

    /// <summary>What a start makes of the record that the process before it left.</summary>
    private async Task StartAsync(CancellationToken cancellationToken)
    {
        DeploymentRecord? record = _services.Files.Load(Model);
        if (SlotRepair.Run(_services, Model, record) is { } found)
        {
            LogSlotsRepaired(Model, found);
            await TellRunnerAsync(cancellationToken).ConfigureAwait(false);
        }
        _record = record;
        if (record is null)
        {
            return;
        }
        if (record.Phase is DeploymentPhase.Activating or DeploymentPhase.Probation)
        {
            record = record with { Restarts = record.Blameless ? record.Restarts : record.Restarts + 1, Blameless = false };
            _services.Files.Save(record);
            _record = record;
            LogResumed(Model, record.Phase, record.Digest.Short, record.Restarts);
            if (record.Restarts > DeploymentMachine.MaximumRestartsInPhase && DeploymentMachine.MayGiveUp(record.Phase, record.Reason))
            {
                Transition(ActResult.Broken(FailureCodes.CrashLoop, $"the agent ended {record.Restarts} times in phase {record.Phase} before a healthy minute"));
                return;
            }
        }
        // The last phase may have been saved and not reported; saying it twice changes nothing.
        _services.Reports.Deployment(record);
        _engine.Saved(record);
        if (record is { Phase: DeploymentPhase.Refused, Code: FailureCodes.DiskFull, Reason: DesiredReason.Assignment })
        {
            // No rollout will ask this device again. Somebody may have made room, so each start tries anew.
            _record = null;
        }
    }

    private async Task TellRunnerAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _services.Runners.Of(Model).ReconcileAsync(Model, cancellationToken).ConfigureAwait(false);
        }
        catch (RunnerAwayException ex)
        {
            // It reads the slots when it comes.
            LogRunnerAway(Model, ex.Message);
        }
    }

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        _wakeup.Reset();
        if (Interlocked.Exchange(ref _localRollback, null) is { } rollback && TakeLocalRollback(rollback))
        {
            return;
        }
        DesiredDeployment? desired = _engine.Desired(Model);
        DeploymentDecision decision = DeploymentRules.Decide(
            Model, _record, desired, _engine.Generation, _services.Slots.Read(Model), _services.State.HeldArtifacts, _engine.Now);
        switch (decision)
        {
            case DeploymentDecision.Idle:
                _engine.Settled(Model);
                await WaitAsync(UntilDeadline(desired) ?? Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(false);
                break;
            case DeploymentDecision.Begin begin:
                _retry.Reset();
                Save(begin.Record with { StartedAt = _services.Time.GetUtcNow() });
                LogBegun(Model, begin.Record.Digest, begin.Record.Phase, begin.Record.Reason);
                break;
            case DeploymentDecision.Adopt adopt:
                Save(adopt.Record);
                break;
            case DeploymentDecision.Apply { Result: { Outcome: PhaseOutcome.ActivationWanted or PhaseOutcome.ShadowWanted } result }:
                bool swaps = result.Outcome == PhaseOutcome.ActivationWanted && desired?.Reason != DesiredReason.Rollback;
                if (swaps && _windows.Look(_record!.Plan.Maintenance) is { } closed)
                {
                    await HoldAsync(closed, desired, cancellationToken).ConfigureAwait(false);
                }
                else if (await TakeTurnAsync(desired, cancellationToken).ConfigureAwait(false))
                {
                    if (swaps && _swap.TryTake() is { } busy)
                    {
                        await HoldAsync(busy, desired, cancellationToken).ConfigureAwait(false);
                    }
                    else
                    {
                        Transition(result);
                    }
                }
                break;
            case DeploymentDecision.Apply apply:
                Transition(apply.Result);
                break;
            case DeploymentDecision.Perform perform:
                await PerformAsync(perform.Act, desired, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    private async Task PerformAsync(DeploymentAct act, DesiredDeployment? desired, CancellationToken cancellationToken)
    {
        DeploymentRecord record = _record!;
        if (act is DeploymentAct.Bench or DeploymentAct.Shadow && !await TakeTurnAsync(desired, cancellationToken).ConfigureAwait(false))
        {
            return;
        }
        if (act == DeploymentAct.Fetch && record is { Reason: not DesiredReason.Rollback, Plan.Maintenance: { Downloads: true } windows } && _windows.Look(windows) is { } closed)
        {
            await HoldAsync(closed, desired, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (act is DeploymentAct.Activate or DeploymentAct.Restore)
        {
            // A start in the middle of an activation: where nothing is swapped yet, the application is asked again.
            bool forward = act == DeploymentAct.Activate && record.Reason != DesiredReason.Rollback && _services.Slots.Read(Model)?.Active != record.Digest;
            if (forward && _swap.TryTake() is { } busy)
            {
                await HoldAsync(busy, desired, cancellationToken).ConfigureAwait(false);
                return;
            }
            await _swap.TakeOrGoAsync(record, cancellationToken).ConfigureAwait(false);
        }
        using CancellationTokenSource deadline = UntilDeadline(desired) is { } left ? new(left, _services.Time) : new();
        using CancellationTokenSource interrupted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _wakeup.Token, deadline.Token);
        ActResult result;
        try
        {
            result = await _acts.RunAsync(act, record, Update, act == DeploymentAct.Restore ? cancellationToken : interrupted.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return;
        }
        finally
        {
            if (act is DeploymentAct.Activate or DeploymentAct.Restore)
            {
                _swap.Release();
            }
        }
        if (result.Outcome == PhaseOutcome.Retry)
        {
            await RetryAsync(result, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            Transition(result);
        }
    }

    private async Task RetryAsync(ActResult result, CancellationToken cancellationToken)
    {
        DeploymentRecord record = _record!;
        bool runner = result.Code == FailureCodes.RunnerAway;
        int limit = runner ? _services.Options.MaximumRunnerRetries : _services.Options.MaximumRetries;
        bool counted = result.Counted && DeploymentMachine.MayGiveUp(record.Phase, record.Reason);
        if (counted && record.Retries >= limit)
        {
            // A full disk is no fault of the digest, and a download that never works is none either.
            PhaseOutcome end = result.Code == FailureCodes.DiskFull && record.Phase < DeploymentPhase.Staged ? PhaseOutcome.Refusal : PhaseOutcome.Failure;
            Transition(new ActResult(end, result.Code, $"tried {record.Retries + 1} times: {result.Detail}"));
            return;
        }
        if (counted)
        {
            _record = record with { Retries = record.Retries + 1 };
            _services.Files.Save(_record);
        }
        if (result.Said)
        {
            Say(result.Code, result.Detail);
        }
        TimeSpan pause = (runner ? _runnerRetry : _retry).Next();
        // One that is not counted may go on for days, every two seconds: said ever more rarely.
        LogRetry(BitOperations.IsPow2(++_retried) ? LogLevel.Warning : LogLevel.Debug, Model, record.Phase, result.Code, result.Detail, pause);
        await WaitAsync(pause, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Waits for what is nobody's fault, and tells whoever looks what for.</summary>
    private async Task HoldAsync(Hold hold, DesiredDeployment? desired, CancellationToken cancellationToken)
    {
        if (Say(hold.Code, hold.Detail))
        {
            LogHold(Model, _record!.Digest.Short, hold.Detail);
        }
        TimeSpan left = UntilDeadline(desired) ?? hold.Again;
        await WaitAsync(left < hold.Again ? left : hold.Again, cancellationToken).ConfigureAwait(false);
    }

    /// <returns>Whether it is something new.</returns>
    private bool Say(string code, string detail)
    {
        if (_record!.Code == code && _record.Detail == detail)
        {
            return false;
        }
        Save(_record with { Code = code, Detail = detail });
        return true;
    }

    private DeploymentRecord Update(DeploymentRecord record, bool save)
    {
        if (save)
        {
            _services.Files.Save(record);
        }
        _record = record;
        return record;
    }

    /// <summary>Applies an outcome by the table and saves what it leads to.</summary>
    private void Transition(ActResult result)
    {
        DeploymentRecord record = _record!;
        DeploymentPhase next = DeploymentMachine.Next(record.Phase, result.Outcome);
        bool withdrawn = result.Outcome is PhaseOutcome.Superseded or PhaseOutcome.OperatorRollback;
        bool explains = result.Code.Length > 0 || record.Phase != DeploymentPhase.RollingBack;
        DeploymentRecord after = record with
        {
            Phase = next,
            Withdrawn = record.Withdrawn || (withdrawn && next == DeploymentPhase.RollingBack),
            Code = explains ? result.Code : record.Code,
            Detail = explains ? result.Detail : record.Detail,
            Invariant = record.Phase == DeploymentPhase.RollingBack ? record.Invariant : result.Invariant,
            AgainstDigest = record.AgainstDigest || result.AgainstDigest,
            Probation = result.Probation ?? record.Probation,
            Retries = 0,
            Restarts = 0,
            Blameless = false,
        };
        if (result.AgainstDigest)
        {
            _services.Files.RememberFailed(Model, record.Digest, record.Attempt, result.Code);
        }
        if (next == DeploymentPhase.Committed)
        {
            Commit(record);
        }
        _retry.Reset();
        _runnerRetry.Reset();
        _retried = 0;
        Save(after);
        LogPhase(Model, record.Digest.Short, record.Phase, next, after.Code, after.Detail);
    }

    /// <summary>The first digest that ever passed here becomes golden, for good.</summary>
    private void Commit(DeploymentRecord record)
    {
        _services.Files.RememberCommitted(Model, record.Digest);
        if (_services.Slots.Read(Model) is { Golden: null } slots)
        {
            _services.Slots.Write(Model, slots.Active, slots.Previous, slots.Active);
            _services.Reports.Reported();
        }
    }

    private void Save(DeploymentRecord record)
    {
        record = record with { ChangedAt = _services.Time.GetUtcNow() };
        _services.Files.Save(record);
        _record = record;
        if (record.Ended && _busy)
        {
            _busy = false;
            _engine.EndTurn();
        }
        _services.Reports.Deployment(record);
        _engine.Saved(record);
    }

    /// <summary>Answered only when it is on disk, or when there is nothing to do: until then a cut must not lose it.</summary>
    /// <returns>Whether the record is another one now.</returns>
    private bool TakeLocalRollback(LocalRollback rollback)
    {
        bool later = true;
        try
        {
            return BeginLocalRollback(rollback, out later);
        }
        finally
        {
            bool waits = later && Interlocked.CompareExchange(ref _localRollback, rollback, null) is null;
            if (!waits)
            {
                _engine.Answered(Model, rollback, done: !later);
            }
        }
    }

    /// <param name="later">It has to wait until what runs now has ended.</param>
    private bool BeginLocalRollback(LocalRollback rollback, out bool later)
    {
        later = true;
        ModelSlots? slots = _services.Slots.Read(Model);
        Digest wanted = rollback.Target;
        if (slots is null || wanted == slots.Active || !_services.State.Holds(wanted))
        {
            LogLocalRollbackIgnored(Model, wanted.Short, slots?.Active.Short ?? "none");
            later = false;
            return false;
        }
        LogLocalRollback(Model, slots.Active.Short, wanted.Short, rollback.Detail);
        if (_record is { Ended: false } running)
        {
            if (running.Phase is DeploymentPhase.Activating or DeploymentPhase.Probation && running.Before == wanted)
            {
                Transition(new ActResult(PhaseOutcome.Failure, rollback.Code, rollback.Detail) { AgainstDigest = true, Invariant = rollback.Invariant });
                later = false;
                return true;
            }
            // Looked at again when what runs now has ended; a rollback in progress ends by itself.
            if (running.Phase == DeploymentPhase.RollingBack)
            {
                return false;
            }
            // A candidate cannot go on against a baseline that is being taken away.
            bool exposed = running.Phase >= DeploymentPhase.Activating;
            Transition(new ActResult(PhaseOutcome.OperatorRollback, rollback.Code, rollback.Detail) { AgainstDigest = exposed });
            return true;
        }
        _services.Files.RememberFailed(Model, slots.Active, _record?.Digest == slots.Active ? _record.Attempt : 1, rollback.Code);
        Digest? golden = slots.Golden;
        bool same = _record?.Digest == slots.Active;
        Save(new DeploymentRecord
        {
            Model = Model,
            Digest = slots.Active,
            Phase = DeploymentPhase.RollingBack,
            Reason = same ? _record!.Reason : DesiredReason.Rollback,
            RolloutId = same ? _record!.RolloutId : "",
            Attempt = same ? _record!.Attempt : 1,
            Generation = _engine.Generation,
            Before = wanted,
            PreviousBefore = golden == wanted ? null : golden,
            GoldenBefore = golden,
            Code = rollback.Code,
            Detail = rollback.Detail,
            Invariant = rollback.Invariant,
            AgainstDigest = true,
            StartedAt = _services.Time.GetUtcNow(),
            Archived = _record is { } last && !same ? last.Id : "",
        });
        later = false;
        return true;
    }

    /// <summary>One deployment per device goes beyond staged at a time. False: something changed while waiting.</summary>
    private async Task<bool> TakeTurnAsync(DesiredDeployment? desired, CancellationToken cancellationToken)
    {
        if (_busy || desired?.Reason == DesiredReason.Rollback)
        {
            return true;
        }
        using CancellationTokenSource interrupted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _wakeup.Token);
        try
        {
            await _engine.TakeTurnAsync(interrupted.Token).ConfigureAwait(false);
            _busy = true;
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task WaitAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _wakeup.Token);
        try
        {
            await Task.Delay(time, _services.Time, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // Something changed; the caller looks.
            return;
        }
    }

    private TimeSpan? UntilDeadline(DesiredDeployment? desired)
    {
        if (_record is not { Ended: false, Phase: < DeploymentPhase.Activating } || desired?.Deadline is not { } deadline || _engine.Now is not { } now)
        {
            return null;
        }
        TimeSpan left = deadline - now + TimeSpan.FromMilliseconds(1);
        // A timer takes at most 49 days; a deadline beyond that is looked at again then.
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < TimeSpan.FromDays(40) ? left : TimeSpan.FromDays(40);
    }
}

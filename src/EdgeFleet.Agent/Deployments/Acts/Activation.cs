using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Core;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>The swap, and the way back. Neither needs the network.</summary>
internal sealed class Activation(DeploymentServices services)
{
    private const int HookRetries = 2;

    public async Task<ActResult> ActivateAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        if (!services.State.Holds(record.Digest))
        {
            return new ActResult(PhaseOutcome.Failure, FailureCodes.NotAvailable, $"artifact {record.Digest.Short} is not on this device");
        }
        services.Slots.Write(record.Model, record.Digest, record.Before, record.GoldenBefore);
        switch (await ReconcileAsync(record.Model, record.Digest, cancellationToken).ConfigureAwait(false))
        {
            case Answer.Serves:
                services.Reports.Slots(record.Model, record.Digest, services.Runners.IsFileMode(record.Model));
                bool proven = record.Reason == Core.Deployments.DesiredReason.Rollback && IsKnownGood(record);
                return new ActResult(proven ? PhaseOutcome.KnownGoodServing : PhaseOutcome.Success);
            case Answer.Away away:
                return ActResult.Retry(FailureCodes.RunnerAway, away.Detail);
            case Answer.Refused { Code: { } code } refused when !DeploymentMachine.MayGiveUp(record.Phase, record.Reason):
                // What an application was told to go back to lies where it looks; it is told again until its hook takes it.
                return ActResult.Retry(code, refused.Detail, counted: false) with { Said = true };
            case Answer.Refused { Code: FailureCodes.HookNotStarted } refused:
                return new ActResult(PhaseOutcome.Failure, FailureCodes.HookNotStarted, refused.Detail);
            case Answer.Refused refused:
                return ActResult.BadDigest(refused.Code ?? FailureCodes.DoesNotLoad, refused.Detail);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Puts the slots back as they were, or golden where what was before no longer loads.</summary>
    public async Task<ActResult> RestoreAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        PhaseOutcome restored = record.Withdrawn ? PhaseOutcome.RestoredAfterWithdrawal : PhaseOutcome.RestoredAfterFault;
        if (record.Before is not { } before)
        {
            services.Slots.Clear(record.Model);
            Answer cleared = await ReconcileAsync(record.Model, null, cancellationToken).ConfigureAwait(false);
            services.Reports.Slots(record.Model, null, services.Runners.IsFileMode(record.Model));
            // A runner that is away serves nothing, which is what there was before.
            return cleared is Answer.Refused refused ? ActResult.Retry(FailureCodes.RunnerAway, refused.Detail) : Restored(restored, record);
        }
        services.Slots.Write(record.Model, before, record.PreviousBefore, record.GoldenBefore);
        Answer answer = await ReconcileAsync(record.Model, before, cancellationToken).ConfigureAwait(false);
        for (int again = 0; again < HookRetries && answer is Answer.Refused { Code: not null }; again++)
        {
            // What a hook talks to may be restarting. After this the engine goes on asking, ever more rarely.
            await Task.Delay(services.Options.FirstRetry, services.Time, cancellationToken).ConfigureAwait(false);
            answer = await ReconcileAsync(record.Model, before, cancellationToken).ConfigureAwait(false);
        }
        if (answer is Answer.Refused && record.GoldenBefore is { } golden && golden != before && services.State.Holds(golden))
        {
            services.Slots.Write(record.Model, golden, before, golden);
            answer = await ReconcileAsync(record.Model, golden, cancellationToken).ConfigureAwait(false);
        }
        switch (answer)
        {
            case Answer.Serves:
                services.Reports.Slots(record.Model, services.Slots.Read(record.Model)!.Active, services.Runners.IsFileMode(record.Model));
                return Restored(restored, record);
            case Answer.Away away:
                return ActResult.Retry(FailureCodes.RunnerAway, away.Detail);
            case Answer.Refused refused:
                return new ActResult(PhaseOutcome.Failure, refused.Code ?? FailureCodes.NothingToRestore, refused.Detail);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Keeps the reason for which it was rolled back.</summary>
    private static ActResult Restored(PhaseOutcome outcome, DeploymentRecord record) => new(outcome, record.Code, record.Detail) { Invariant = record.Invariant };

    private bool IsKnownGood(DeploymentRecord record) =>
        record.Digest == record.GoldenBefore || services.Files.LoadMemory(record.Model).Committed.Contains(record.Digest);

    /// <param name="wanted">Null: the runner shall serve nothing for this model.</param>
    private async Task<Answer> ReconcileAsync(string model, Digest? wanted, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(services.Options.ActivationTimeout, services.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            RunnerModel? served = (await services.Runners.Of(model).ReconcileAsync(model, either.Token).ConfigureAwait(false)).Find(model);
            // Of an application only that its hook took it: what it makes of it is for the probation.
            if (served?.Active == wanted && served?.FellBackFrom is null)
            {
                return new Answer.Serves();
            }
            return served?.Code is { } code
                ? new Answer.Refused(served.Error ?? code, code)
                : new Answer.Refused($"the runner serves {served?.Active?.Short ?? "nothing"} instead of {wanted?.Short ?? "nothing"}: {served?.Error ?? "no error given"}");
        }
        catch (RunnerAwayException ex)
        {
            return new Answer.Away(ex.Message);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new Answer.Refused($"{wanted?.Short ?? "nothing"} did not load within {services.Options.ActivationTimeout}");
        }
    }

    private abstract record Answer
    {
        public sealed record Serves : Answer;
        /// <param name="Code">Why an application did not take it; null for the runner, for which it does not load.</param>
        public sealed record Refused(string Detail, string? Code = null) : Answer;
        public sealed record Away(string Detail) : Answer;
    }
}

using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>
/// Watches a candidate that serves. Only time in which the runner answered counts, so that a device that was switched off
/// has not passed by waiting.
/// </summary>
internal sealed class Probation(DeploymentServices services)
{
    /// <summary>Fewer rejected requests than this say more about one application than about the model.</summary>
    private const int LeastRejected = 10;
    /// <summary>After so many requests without any output, from a model whose predecessor had some, it is not chance.</summary>
    private const int LeastForOutputs = 100;

    /// <param name="update">Keeps the record in memory, and saves it when asked to.</param>
    public async Task<ActResult> WatchAsync(DeploymentRecord record, Func<DeploymentRecord, bool, DeploymentRecord> update, CancellationToken cancellationToken)
    {
        DeploymentOptions options = services.Options;
        DateTimeOffset? runnerStarted = null;
        double beganAt = record.ProbationSeconds;
        double savedAt = record.ProbationSeconds;
        int away = 0;
        long last = services.Time.GetTimestamp();
        while (true)
        {
            RunnerReport report;
            try
            {
                report = await services.Runners.Of(record.Model).StatusAsync(cancellationToken).ConfigureAwait(false);
                if (report.Find(record.Model) is not { } model || model is { Active: null, Error: null, FellBackFrom: null })
                {
                    throw new RunnerAwayException("the runner has started and not loaded the model yet");
                }
            }
            catch (RunnerAwayException ex)
            {
                if (++away > options.MaximumRunnerRetries && DeploymentMachine.MayGiveUp(record.Phase, record.Reason))
                {
                    return new ActResult(PhaseOutcome.Failure, FailureCodes.RunnerAway, $"the runner does not answer while {record.Digest.Short} is on probation: {ex.Message}");
                }
                await Task.Delay(Poll(record), services.Time, cancellationToken).ConfigureAwait(false);
                last = services.Time.GetTimestamp();
                continue;
            }
            away = 0;
            RunnerModel served = report.Find(record.Model)!;
            if (served.Waiting is { } waiting)
            {
                record = Say(record, waiting, update);
                await Task.Delay(Poll(record), services.Time, cancellationToken).ConfigureAwait(false);
                last = services.Time.GetTimestamp();
                continue;
            }
            record = Say(record, "", update);
            DateTimeOffset started = served.StartedAt ?? report.StartedAt;
            if (runnerStarted is { } known && known != started)
            {
                record = update(record with { RunnerRestarts = record.RunnerRestarts + 1 }, true);
            }
            runnerStarted = started;
            long now = services.Time.GetTimestamp();
            record = record with { ProbationSeconds = record.ProbationSeconds + services.Time.GetElapsedTime(last, now).TotalSeconds };
            last = now;

            ProbationEvidence evidence = Evidence(record, served);
            if (Judge(record, served, options) is { } failed)
            {
                return failed with { Probation = evidence };
            }
            if (record.ProbationSeconds >= record.Plan.ProbationSeconds)
            {
                return ActResult.Success with { Probation = evidence };
            }
            bool healthy = !record.Blameless && record.ProbationSeconds - beganAt >= options.HealthyAfter.TotalSeconds;
            if (healthy)
            {
                record = record with { Restarts = 0, Blameless = true };
            }
            bool save = healthy || record.ProbationSeconds - savedAt >= options.ProbationSave.TotalSeconds;
            record = update(record, save);
            savedAt = save ? record.ProbationSeconds : savedAt;
            await Task.Delay(Poll(record), services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Why the clock of the probation stands still, for whoever looks at the rollout.</summary>
    private DeploymentRecord Say(DeploymentRecord record, string waiting, Func<DeploymentRecord, bool, DeploymentRecord> update)
    {
        if (record.Detail == waiting)
        {
            return record;
        }
        record = update(record with { Detail = waiting }, true);
        services.Reports.Deployment(record);
        return record;
    }

    private static ActResult? Judge(DeploymentRecord record, RunnerModel served, DeploymentOptions options)
    {
        if (served.Code is { } code)
        {
            // An application that says nothing may have been stopped by anybody; what it was to go back to stays.
            return DeploymentMachine.MayGiveUp(record.Phase, record.Reason)
                ? new ActResult(PhaseOutcome.Failure, code, served.Error ?? code)
                : null;
        }
        if (served.FellBackFrom is not null || served.Active != record.Digest)
        {
            return ActResult.Broken(FailureCodes.CrashLoop, $"the runner serves {served.Active?.Short ?? "nothing"} instead of {record.Digest.Short}: {served.Error ?? "it fell back by itself"}");
        }
        if (record.RunnerRestarts > options.MaximumRunnerRestarts)
        {
            return ActResult.Broken(FailureCodes.CrashLoop, $"the runner ended {record.RunnerRestarts} times in {record.ProbationSeconds:0} s of probation");
        }
        if (served.NonFinite > 0)
        {
            return ActResult.Broken(FailureCodes.NonFinite, $"{served.NonFinite} of {served.Requests} answers are not finite");
        }
        if (served.WrongShape > 0)
        {
            return ActResult.Broken(FailureCodes.WrongShape, $"{served.WrongShape} of {served.Requests} answers have the wrong shape");
        }
        // One odd request is its sender's doing; a model that does not take most of what it is asked serves nobody.
        if (served.Rejected >= LeastRejected && served.Rejected * 2 > served.Requests)
        {
            return ActResult.BadDigest(FailureCodes.FailedRequests, $"{served.Rejected} of {served.Requests} requests hold values that it does not take");
        }
        if (served is { Outputs: 0, OutputsExpected: true, Requests: >= LeastForOutputs })
        {
            return ActResult.BadDigest(FailureCodes.NoOutputs, $"no outputs in {served.Requests} requests; there were some with the model before");
        }
        return served.Failures > record.Plan.ProbationMaxFailures
            ? ActResult.BadDigest(FailureCodes.FailedRequests, $"{served.Failures} of {served.Requests} requests failed; {record.Plan.ProbationMaxFailures} may")
            : null;
    }

    private static ProbationEvidence Evidence(DeploymentRecord record, RunnerModel served) => new()
    {
        Requests = served.Requests,
        Failures = served.Failures,
        Rejected = served.Rejected,
        NonFinite = served.NonFinite,
        WrongShape = served.WrongShape,
        RunnerRestarts = record.RunnerRestarts,
        P50Micros = served.P50Micros,
        P95Micros = served.P95Micros,
        Seconds = record.ProbationSeconds,
        Outputs = served.Outputs,
        Source = served.Application ? ProbationEvidence.ApplicationSource : null,
    };

    /// <summary>Often enough to see a short probation, never more often than five times a second.</summary>
    private TimeSpan Poll(DeploymentRecord record) => TimeSpan.FromSeconds(
        Math.Clamp(record.Plan.ProbationSeconds / 20.0, 0.2, services.Options.ProbationPoll.TotalSeconds));
}

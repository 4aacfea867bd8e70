using EdgeFleet.Agent.Content;
using EdgeFleet.Agent.Runners;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Deployments.Acts;

/// <summary>
/// Keeps the candidate answering its share of requests while it is compared, and takes what the runner counts. The runner ends
/// the share by itself at the first broken invariant; what this does is to make the end of it durable.
/// </summary>
internal sealed class ShareKeeper(DeploymentServices services, DeploymentRecord record, ulong seed)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_end = TimeSpan.FromSeconds(10);
    private static readonly ArmCounts s_none = new() { Requests = 0 };

    private readonly IModelRunner _runner = services.Runners.Of(record.Model);
    private readonly Lock _gate = new();
    private RequestShareReport? _last;
    private (DateTimeOffset Since, ArmCounts Baseline, ArmCounts Candidate) _told = (default, s_none, s_none);
    private ArmCounts _baseline = s_none;
    private ArmCounts _candidate = s_none;
    private int _restarts;

    /// <summary>Goes on until cancelled, or until the candidate must answer no more.</summary>
    public async Task<ActResult> KeepAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await _runner.ShareAsync(Wanted(record.Plan.ServePercent), cancellationToken).ConfigureAwait(false) is not { } report)
                {
                    return ActResult.Refusal(FailureCodes.NoShares, "what serves the model here cannot let a candidate answer a share of its requests");
                }
                Count(report);
                if (Judge(report) is { } end)
                {
                    return end;
                }
            }
            catch (RunnerAwayException)
            {
                // It answers nobody now, and a runner that starts anew begins without the candidate.
            }
            await Task.Delay(s_poll, services.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Requests since it was last asked.</summary>
    public RequestArms Take()
    {
        lock (_gate)
        {
            RequestArms arms = new(record.Plan.ServePercent, _baseline, _candidate);
            (_baseline, _candidate) = (s_none, s_none);
            return arms;
        }
    }

    /// <summary>The baseline answers everything again. Where the runner does not hear it, the share lapses.</summary>
    public async Task EndAsync()
    {
        using CancellationTokenSource limit = new(s_end);
        try
        {
            await _runner.ShareAsync(Wanted(0), limit.Token).ConfigureAwait(false);
        }
        catch (Exception ex) when (ex is RunnerAwayException or OperationCanceledException)
        {
            return;
        }
    }

    private WantedShare Wanted(double percent) => new(record.Model, record.Digest, percent, seed);

    private void Count(RequestShareReport report)
    {
        lock (_gate)
        {
            if (_last is { } last && last.StartedAt != report.StartedAt)
            {
                _restarts++;
            }
            _last = report;
            if (_told.Since != report.Since)
            {
                _told = (report.Since, s_none, s_none);
            }
            _baseline += report.Baseline - _told.Baseline;
            _candidate += report.Candidate - _told.Candidate;
            _told = (report.Since, report.Baseline, report.Candidate);
        }
    }

    private ActResult? Judge(RequestShareReport report) => report switch
    {
        { Code: { } code, Invariant: true } => ActResult.Broken(code, $"while it answered {record.Plan.ServePercent:0.##} % of the requests: {report.Reason}"),
        _ when _restarts > services.Options.MaximumRunnerRestarts =>
            ActResult.Broken(FailureCodes.CrashLoop, $"the runner ended {_restarts} times while the candidate answered {record.Plan.ServePercent:0.##} % of the requests"),
        { Code: ShareCodes.DoesNotLoad } => ActResult.BadDigest(FailureCodes.DoesNotLoad, report.Reason),
        { Code: ShareCodes.OtherContract } => ActResult.Refusal(FailureCodes.OtherContract, report.Reason),
        { Code: ShareCodes.NoMemory } => ActResult.Refusal(FailureCodes.NoMemory, report.Reason),
        { Code: { } code } => ActResult.Retry(FailureCodes.RunnerAway, $"the share of requests ended ({code}): {report.Reason}"),
        _ => null,
    };
}

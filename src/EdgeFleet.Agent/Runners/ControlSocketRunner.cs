using System.Text.Json;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Agent.Runners;

/// <summary>The runner over its control socket.</summary>
internal sealed class ControlSocketRunner(string controlSocket) : IModelRunner, IDisposable
{
    /// <summary>A status is in the runner's memory; one that hangs is as good as one that is not there.</summary>
    private static readonly TimeSpan s_statusLimit = TimeSpan.FromSeconds(10);

    private readonly RunnerClient _client = new(controlSocket);

    public Task<RunnerReport> ReconcileAsync(string model, CancellationToken cancellationToken) =>
        AskAsync(() => _client.ReconcileAsync(model, cancellationToken));

    public async Task<RunnerReport> StatusAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_statusLimit);
        try
        {
            return await AskAsync(() => _client.StatusAsync(limit.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RunnerAwayException($"the runner at '{controlSocket}' does not answer within {s_statusLimit.TotalSeconds:0} s");
        }
    }

    public async Task<RequestShareReport?> ShareAsync(WantedShare share, CancellationToken cancellationToken)
    {
        try
        {
            RunnerStatus status = await _client.ShareAsync(
                new ShareRequest { Model = share.Model, Candidate = share.Candidate.ToString(), Percent = share.Percent, Seed = share.Seed }, cancellationToken).ConfigureAwait(false);
            ShareStatus? now = status.Models.FirstOrDefault(model => model.Model == share.Model)?.Share;
            return new RequestShareReport
            {
                StartedAt = status.StartedAt,
                Since = now?.Since ?? default,
                Code = now is null ? ShareCodes.Ended : now.Code,
                Reason = now?.Reason ?? "",
                Invariant = now?.Code is { } code && ShareCodes.IsInvariant(code),
                Baseline = Read(now?.BaselineArm ?? ArmStatus.None),
                Candidate = Read(now?.CandidateArm ?? ArmStatus.None),
            };
        }
        catch (HttpRequestException ex) when (ex.StatusCode == System.Net.HttpStatusCode.NotFound && ex.Message.Contains("control API", StringComparison.Ordinal))
        {
            // A runner of an older version.
            return null;
        }
        catch (Exception ex) when (ex is HttpRequestException or IOException or JsonException)
        {
            throw new RunnerAwayException($"the runner at '{controlSocket}' does not answer: {ex.Message}", ex);
        }
    }

    public void Dispose() => _client.Dispose();

    private async Task<RunnerReport> AskAsync(Func<Task<RunnerStatus>> ask)
    {
        try
        {
            RunnerStatus status = await ask().ConfigureAwait(false);
            return new RunnerReport(status.StartedAt, [.. status.Models.Select(Read)]);
        }
        catch (Exception ex) when (ex is HttpRequestException or IOException or JsonException)
        {
            throw new RunnerAwayException($"the runner at '{controlSocket}' does not answer: {ex.Message}", ex);
        }
    }

    private static ArmCounts Read(ArmStatus arm) => new()
    {
        Requests = arm.Requests,
        Failures = arm.Failures,
        NonFinite = arm.NonFinite,
        WrongShape = arm.WrongShape,
        Timed = arm.LogLatency.Count,
        LogMicros = arm.LogLatency.Sum,
        LogMicrosSquares = arm.LogLatency.SumOfSquares,
    };

    private static RunnerModel Read(ModelStatus status) => new()
    {
        Model = status.Model,
        Active = status.Active is null ? null : Digest.Parse(status.Active),
        FellBackFrom = status.FellBackFrom is null ? null : Digest.Parse(status.FellBackFrom),
        Error = status.Error,
        Since = status.Since,
        Requests = status.Requests,
        Failures = status.Failures,
        Rejected = status.Rejected,
        NonFinite = status.NonFinite,
        WrongShape = status.WrongShape,
        P50Micros = status.LatencyMicros.P50,
        P95Micros = status.LatencyMicros.P95,
        ResidentBytes = status.ResidentBytes,
    };
}

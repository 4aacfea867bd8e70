using EdgeFleet.Controller.Artifacts;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Webhooks;
using EdgeFleet.Core;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// What has to be done now and then: expired tokens and certificates go, so does the evidence of rollouts that ended long ago,
/// and content that was sent and never published.
/// </summary>
internal sealed partial class Housekeeping(Database database, ContentStore content, FleetAuthority authority, ControllerOptions options, TimeProvider time, ILogger<Housekeeping> log) : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromHours(6);
    /// <summary>Between sending the files of an artifact and publishing it, much less passes.</summary>
    private static readonly TimeSpan s_keepUnpublished = TimeSpan.FromDays(7);

    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    public Task Start() => _loop = RunAsync();

    /// <summary>Completes when the round at the start is over: a test that fills the store must not be tidied meanwhile.</summary>
    internal Task FirstRound => _begun.Task;

    /// <summary>One round; called by the loop.</summary>
    internal async Task TidyAsync(CancellationToken cancellationToken)
    {
        if (authority.EndsSoon is { } end)
        {
            LogAuthorityEnds(end);
        }
        // A device that was away for long renews by the row of its expired certificate; then that goes.
        long before = (time.GetUtcNow() - options.RenewalGrace).ToUnixTimeMilliseconds();
        await database.WriteAsync("tidy", transaction => EnrollmentStore.RemoveExpired(transaction, before), cancellationToken);
        long undelivered = (time.GetUtcNow() - WebhookDispatcher.KeepUndelivered).ToUnixTimeMilliseconds();
        await database.WriteAsync("tidy webhooks", transaction => WebhookStore.GiveUp(transaction, undelivered), cancellationToken);
        long ended = (time.GetUtcNow() - options.KeepEvidence).ToUnixTimeMilliseconds();
        foreach (string rollout in await database.ReadAsync(session => EvidenceRetention.ListOver(session, ended), cancellationToken))
        {
            // Piece by piece: reports wait for the same writer.
            while (await database.WriteAsync($"tidy {rollout}", transaction => EvidenceRetention.RemoveSome(transaction, rollout), cancellationToken))
            {
                LogRemoving(rollout);
            }
        }
        foreach (Digest unnamed in content.ListOlderThan(time.GetUtcNow() - s_keepUnpublished))
        {
            // On the writer, which publishes too: what is named in one piece of work is not removed in another.
            await database.WriteAsync(
                "tidy content",
                transaction =>
                {
                    if (!ArtifactStore.IsContentNamed(transaction, unnamed.ToString()))
                    {
                        content.Remove(unnamed);
                    }
                },
                cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }
        await _stopping.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(s_interval, time);
        try
        {
            // Once at the start too: a controller that is started often would never get to it.
            do
            {
                try
                {
                    await TidyAsync(_stopping.Token);
                }
                catch (IOException ex)
                {
                    LogNotTidied(ex, s_interval);
                }
                _begun.TrySetResult();
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token));
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    [LoggerMessage(EventId = 2033, Level = LogLevel.Debug, Message = "Evidence of rollout {RolloutId}, which ended long ago, is removed")]
    private partial void LogRemoving(string rolloutId);

    [LoggerMessage(EventId = 2034, Level = LogLevel.Error, Message = "The issuing authority ends at {End}, and every certificate of this fleet with it; put root.key back into pki/ and start the controller again, which renews it")]
    private partial void LogAuthorityEnds(DateTimeOffset end);

    [LoggerMessage(EventId = 2032, Level = LogLevel.Warning, Message = "Housekeeping failed; next attempt in {Interval}")]
    private partial void LogNotTidied(Exception exception, TimeSpan interval);
}

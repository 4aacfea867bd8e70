using System.Collections.Concurrent;
using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Webhooks;

/// <summary>
/// Tells each webhook, and the broker, of each event, in their order and at least once: an event is done with when the receiver has taken it,
/// and what was sent before a kill is sent again with the same id. A receiver that does not answer keeps only itself waiting.
/// </summary>
internal sealed partial class WebhookDispatcher(Database database, WebhookSender sender, AlarmPublisher alarms, TimeProvider time, ILogger<WebhookDispatcher> log) : IAsyncDisposable
{
    private const int Piece = 100;
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan[] s_pauses =
        [TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15), TimeSpan.FromHours(1)];

    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, Task> _deliveries = new(StringComparer.Ordinal);
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    /// <summary>How long an event is kept for a receiver that cannot be told.</summary>
    public static TimeSpan KeepUndelivered { get; } = TimeSpan.FromDays(7);

    public Task Start() => _loop = RunAsync();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }
        await _stopping.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_deliveries.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using PeriodicTimer timer = new(s_look, time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                try
                {
                    await LookAsync(_stopping.Token);
                }
                catch (StoreUnavailableException ex)
                {
                    LogStoreAway(ex);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        long now = time.NowMs();
        foreach (WebhookRow webhook in await database.ReadAsync(
            session => WebhookStore.List(session).Where(row => row.RetryAt <= now && WebhookStore.ListAfter(session, row.Delivered, 1).Count > 0).ToList(), cancellationToken))
        {
            if (!_deliveries.TryGetValue(webhook.Id, out Task? running) || running.IsCompleted)
            {
                _deliveries[webhook.Id] = DeliverAsync(webhook, cancellationToken);
            }
        }
    }

    private async Task DeliverAsync(WebhookRow webhook, CancellationToken cancellationToken)
    {
        try
        {
            string[] patterns = webhook.Events.Split(',');
            IReadOnlyList<FeedRow> events = await database.ReadAsync(session => WebhookStore.ListAfter(session, webhook.Delivered, Piece), cancellationToken);
            foreach (FeedRow e in events)
            {
                bool wanted = EventPatterns.Matches(patterns, e.Type);
                if (wanted && await (webhook.Id == AlarmPublisher.Id ? alarms.SendAsync(e, cancellationToken) : sender.SendAsync(webhook, e, cancellationToken)) is { } error)
                {
                    TimeSpan pause = s_pauses[Math.Min(webhook.Failures, s_pauses.Length - 1)];
                    LogFailed(webhook.Id, webhook.Url, e.Type, error, pause);
                    await database.WriteAsync(
                        $"webhook {webhook.Id}", transaction => WebhookStore.NoteFailure(transaction, webhook.Id, error, (time.GetUtcNow() + pause).ToUnixTimeMilliseconds()), cancellationToken);
                    return;
                }
                if (wanted || e == events[^1])
                {
                    await database.WriteAsync(
                        $"webhook {webhook.Id}", transaction => WebhookStore.NoteDelivered(transaction, webhook.Id, e.Id, wanted ? time.NowMs() : null), cancellationToken);
                    webhook = webhook with { Failures = 0 };
                }
            }
        }
        catch (StoreUnavailableException ex)
        {
            LogStoreAway(ex);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return;
        }
    }

    [LoggerMessage(EventId = 2601, Level = LogLevel.Warning, Message = "Webhook {Id} at {Url} was not told of {Type}: {Why}; next attempt in {Pause}")]
    private partial void LogFailed(string id, string url, string type, string why, TimeSpan pause);

    [LoggerMessage(EventId = 2602, Level = LogLevel.Warning, Message = "Webhooks are not told: the store cannot be read or written")]
    private partial void LogStoreAway(Exception exception);
}

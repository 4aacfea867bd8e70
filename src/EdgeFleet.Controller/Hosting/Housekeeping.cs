using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>What has to be done now and then: expired tokens and certificates go.</summary>
internal sealed partial class Housekeeping(Database database, ControllerOptions options, TimeProvider time, ILogger<Housekeeping> log) : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromHours(6);

    private readonly CancellationTokenSource _stopping = new();
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    public Task Start() => _loop = RunAsync();

    /// <summary>One round; called by the loop.</summary>
    internal async Task TidyAsync(CancellationToken cancellationToken)
    {
        // A device that was away for long renews by the row of its expired certificate; then that goes.
        long before = (time.GetUtcNow() - options.RenewalGrace).ToUnixTimeMilliseconds();
        await database.WriteAsync("tidy", transaction => EnrollmentStore.RemoveExpired(transaction, before), cancellationToken);
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
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                try
                {
                    await TidyAsync(_stopping.Token);
                }
                catch (IOException ex)
                {
                    LogNotTidied(ex, s_interval);
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    [LoggerMessage(EventId = 2032, Level = LogLevel.Warning, Message = "Housekeeping failed; next attempt in {Interval}")]
    private partial void LogNotTidied(Exception exception, TimeSpan interval);
}

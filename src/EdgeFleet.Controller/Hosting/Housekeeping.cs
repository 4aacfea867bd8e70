using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Store;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>What has to be done now and then: expired tokens and certificates go, and the broker's certificate is written anew in time.</summary>
internal sealed partial class Housekeeping(
    Database database, FleetAuthority authority, DeviceRegistry registry, TimeProvider time, ILogger<Housekeeping> log) : IAsyncDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromHours(6);
    // A third of a server certificate's life of 90 days.
    private static readonly TimeSpan s_brokerRenewal = TimeSpan.FromDays(30);
    // A device that was away for long may still renew with an expired certificate's row in the database; then it goes.
    private static readonly TimeSpan s_keepExpired = TimeSpan.FromDays(90);

    private readonly CancellationTokenSource _stopping = new();
    private DateTimeOffset _brokerWritten = time.GetUtcNow();
    private Task _loop = Task.CompletedTask;
    private bool _disposed;

    public Task Start() => _loop = RunAsync();

    /// <summary>One round; called by the loop.</summary>
    internal async Task TidyAsync(CancellationToken cancellationToken)
    {
        long before = (time.GetUtcNow() - s_keepExpired).ToUnixTimeMilliseconds();
        await database.WriteAsync("tidy", transaction => EnrollmentStore.RemoveExpired(transaction, before), cancellationToken);
        if (registry.Broker is { } broker && broker is not ExternalBroker && time.GetUtcNow() - _brokerWritten > s_brokerRenewal)
        {
            authority.WriteBrokerIdentity();
            await broker.ReloadCertificateAsync(cancellationToken);
            _brokerWritten = time.GetUtcNow();
            LogBrokerCertificate();
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

    [LoggerMessage(EventId = 2031, Level = LogLevel.Information, Message = "The broker has a new certificate")]
    private partial void LogBrokerCertificate();

    [LoggerMessage(EventId = 2032, Level = LogLevel.Warning, Message = "Housekeeping failed; next attempt in {Interval}")]
    private partial void LogNotTidied(Exception exception, TimeSpan interval);
}

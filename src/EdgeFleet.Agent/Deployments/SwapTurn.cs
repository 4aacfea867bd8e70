using EdgeFleet.Agent.Content;
using EdgeFleet.Core.Deployments;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Deployments;

/// <summary>
/// The right to swap a model, which its application may withhold for a while by its busy lock. A candidate waits for as long as
/// that takes; an operator's way back waits a little; harm is taken back at once.
/// </summary>
internal sealed partial class SwapTurn(string model, DeploymentServices services, ILogger log)
{
    private IDisposable? _held;

    /// <summary>Takes it for a candidate. Not null: it has to wait.</summary>
    public Hold? TryTake()
    {
        if (services.Busy is not { } locks || (_held ??= locks.TryTake(model)) is not null)
        {
            return null;
        }
        return new Hold(FailureCodes.WaitsForApplication, $"waits for the application's busy lock '{locks.PathOf(model)}': it holds it so as not to be disturbed", services.Options.BusyPoll);
    }

    /// <summary>Takes it for a way back, or goes without.</summary>
    public async Task TakeOrGoAsync(DeploymentRecord record, CancellationToken cancellationToken)
    {
        if (services.Busy is not { } locks || _held is not null)
        {
            return;
        }
        try
        {
            long began = services.Time.GetTimestamp();
            TimeSpan patience = IsHarm(record) ? TimeSpan.Zero : services.Options.BusyRollbackWait;
            while ((_held = locks.TryTake(model)) is null)
            {
                if (services.Time.GetElapsedTime(began) >= patience)
                {
                    LogWithout(model, patience);
                    return;
                }
                await Task.Delay(services.Options.BusyPoll, services.Time, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (IOException ex)
        {
            // A disk that takes nothing: a way back needs no lock.
            LogNoLock(model, ex.Message);
        }
    }

    public void Release()
    {
        _held?.Dispose();
        _held = null;
    }

    /// <summary>The device itself saw it fail; what is taken back because somebody wants it back serves well enough for some seconds.</summary>
    private static bool IsHarm(DeploymentRecord record) =>
        record is { Phase: DeploymentPhase.RollingBack, Withdrawn: false } && record.Code != FailureCodes.RolledBackHere;

    [LoggerMessage(EventId = 3251, Level = LogLevel.Warning, Message = "Model {Model}: its application holds the busy lock; the way back does not wait for it any longer ({Patience})")]
    private partial void LogWithout(string model, TimeSpan patience);

    [LoggerMessage(EventId = 3252, Level = LogLevel.Warning, Message = "Model {Model}: the busy lock cannot be asked for ({Reason}); the way back goes on without")]
    private partial void LogNoLock(string model, string reason);
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// Watches the tasks that must not end before the process does. The first that fails stops the host and makes the exit code
/// non-zero, so that a supervisor starts the controller again; all of its state is in the database.
/// </summary>
internal sealed partial class FatalErrors(IHostApplicationLifetime lifetime, ILogger<FatalErrors> log)
{
    private Exception? _first;

    public Exception? First => Volatile.Read(ref _first);

    /// <summary>The task is owned by the caller, who also awaits it at the end; here only its failure is noticed.</summary>
    public Task Watch(string what, Task task) => task.ContinueWith(
        failed =>
        {
            Exception error = failed.Exception!.GetBaseException();
            if (Interlocked.CompareExchange(ref _first, error, null) is null)
            {
                LogFatal(error, what);
                lifetime.StopApplication();
            }
        },
        CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    [LoggerMessage(EventId = 2901, Level = LogLevel.Critical, Message = "{What} failed; the controller stops and has to be started again")]
    private partial void LogFatal(Exception exception, string what);
}

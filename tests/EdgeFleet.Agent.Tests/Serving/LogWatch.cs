using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>Keeps what was logged, and lets a test wait for an event instead of for a time.</summary>
internal sealed class LogWatch : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<(int EventId, LogLevel Level, string Message)> _entries = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource> _awaited = new();

    public IEnumerable<string> Messages => _entries.Select(entry => entry.Message);

    /// <summary>Completes at the next entry with this id.</summary>
    public Task Next(int eventId) =>
        _awaited.GetOrAdd(eventId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(TimeSpan.FromSeconds(30));

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        _entries.Enqueue((eventId.Id, logLevel, formatter(state, exception) + exception));
        if (_awaited.TryRemove(eventId.Id, out TaskCompletionSource? awaited))
        {
            awaited.SetResult();
        }
    }

    public void Dispose()
    {
    }
}

using System.Collections.Concurrent;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// Lets someone wait until something with a key changes. Take the task, look, and await it only when there was nothing new:
/// then no change is missed. It carries no data; what is true stands in the database.
/// </summary>
internal sealed class SignalBoard
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiters = new(StringComparer.Ordinal);

    public Task Next(string key) => _waiters.GetOrAdd(key, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    public void Notify(string key)
    {
        if (_waiters.TryRemove(key, out TaskCompletionSource? waiter))
        {
            waiter.TrySetResult();
        }
    }

    public static string Rollout(string id) => "rollout/" + id;
    public static string RolloutEvents(string id) => "rollout-events/" + id;
    public static string Model(string model) => "model/" + model;
    public static string Rollback(string model) => "rollback/" + model;
}

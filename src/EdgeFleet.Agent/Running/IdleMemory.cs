using EdgeFleet.Linux.Memory;

namespace EdgeFleet.Agent.Running;

/// <summary>
/// Gives back what the start and each deployment left behind, once things are quiet: a supervisor idles for months beside
/// the models, and neither the collector nor the C library returns memory to a system that does not ask.
/// </summary>
internal sealed class IdleMemory : IDisposable
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(10);
    private readonly ITimer _timer;

    public IdleMemory(TimeProvider time) => _timer = time.CreateTimer(static _ => GiveBack(), null, s_quiet, Timeout.InfiniteTimeSpan);

    /// <summary>Something that takes memory has just ended.</summary>
    public void SettleAnew() => _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer.Dispose();

    private static void GiveBack()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        NativeHeap.Trim();
    }
}

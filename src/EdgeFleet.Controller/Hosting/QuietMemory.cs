using EdgeFleet.Linux.Memory;

namespace EdgeFleet.Controller.Hosting;

/// <summary>
/// Gives memory back once a busy time is over. A rollout of a thousand devices allocates gigabytes in passing; neither the
/// collector nor the C library returns what they keep of it to a system that does not ask. While much is allocated nothing
/// is done: the pause (about a tenth of a second) falls into a time in which nobody waits.
/// </summary>
internal sealed class QuietMemory : IDisposable
{
    private const long BusyBytes = 16L << 20;
    private const long WorthBytes = 64L << 20;
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(15);
    private readonly ITimer _timer;
    private long _last;
    private long _given;

    public QuietMemory(TimeProvider time) => _timer = time.CreateTimer(static self => ((QuietMemory)self!).Look(), this, s_look, s_look);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        bool quiet = allocated - _last < BusyBytes;
        _last = allocated;
        if (quiet && allocated - _given > WorthBytes)
        {
            _given = allocated;
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            NativeHeap.Trim();
        }
    }
}

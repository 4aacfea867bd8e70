using System.Diagnostics.CodeAnalysis;

namespace EdgeFleet.Agent.Deployments;

/// <summary>Something changed: ends a wait, and interrupts an act that is running. One that comes while nobody waits is kept.</summary>
[SuppressMessage("Design", "CA1001", Justification = "The sources hold no timer and no handle; one that is replaced may still be linked to.")]
internal sealed class Wakeup
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _source = new();

    /// <summary>Cancelled at the next change.</summary>
    public CancellationToken Token
    {
        get { lock (_gate) { return _source.Token; } }
    }

    public void Set()
    {
        lock (_gate)
        {
            _source.Cancel();
        }
    }

    /// <summary>To be called before looking at what may have changed.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            if (_source.IsCancellationRequested)
            {
                _source = new CancellationTokenSource();
            }
        }
    }
}

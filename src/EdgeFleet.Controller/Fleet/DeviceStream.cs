using System.Threading.Channels;

namespace EdgeFleet.Controller.Fleet;

/// <summary>
/// What waits to be told to one connected device. Only the newest of each kind is kept, so a slow device costs no memory:
/// that its desired state changed, and how far its reports are stored.
/// </summary>
internal sealed class DeviceStream : IDisposable
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _lock = new();
    private bool _desiredChanged;
    private (long Boot, long Seq)? _acked;

    public DeviceStream(string deviceId)
    {
        DeviceId = deviceId;
    }

    public string DeviceId { get; }

    /// <summary>Fires when the stream has to end: another one took its place, or the device was shut out.</summary>
    public CancellationToken Closed => _closed.Token;

    public void DesiredChanged()
    {
        lock (_lock)
        {
            _desiredChanged = true;
        }
        Wake();
    }

    public void Acked(long boot, long contiguous)
    {
        lock (_lock)
        {
            // Several incarnations are rare: the newest is told, an older one is asked for when the device connects with it.
            if (_acked is null || (boot, contiguous).CompareTo(_acked.Value) > 0)
            {
                _acked = (boot, contiguous);
            }
        }
        Wake();
    }

    public bool TakeDesiredChanged()
    {
        lock (_lock)
        {
            bool changed = _desiredChanged;
            _desiredChanged = false;
            return changed;
        }
    }

    public bool HasAcked
    {
        get
        {
            lock (_lock)
            {
                return _acked is not null;
            }
        }
    }

    public (long Boot, long Seq)? TakeAcked()
    {
        lock (_lock)
        {
            (long, long)? acked = _acked;
            _acked = null;
            return acked;
        }
    }

    public void Wake() => _signal.Writer.TryWrite(true);

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await _signal.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Close() => _closed.Cancel();

    public void Dispose() => _closed.Dispose();
}

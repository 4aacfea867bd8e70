using System.Threading.Channels;

namespace EdgeFleet.Controller.Fleet;

/// <summary>Why the controller ends a device's stream.</summary>
internal enum StreamEnd
{
    /// <summary>The device opened another one.</summary>
    Replaced,

    /// <summary>The device was revoked.</summary>
    ShutOut,
}

/// <summary>
/// What waits to be told to one connected device. Only the newest of each kind is kept, so a slow device costs no memory:
/// that its desired state changed, and how far its reports are stored.
/// </summary>
internal sealed class DeviceStream : IDisposable
{
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _lock = new();
    private readonly Lock _closing = new();
    private bool _desiredChanged;
    private (long Boot, long Seq)? _acked;
    private bool _disposed;

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

    /// <summary>Why it was closed; set before <see cref="Closed"/> fires.</summary>
    public StreamEnd? End { get; private set; }

    /// <summary>The first reason counts. A stream that has ended by itself meanwhile is left alone.</summary>
    public void Close(StreamEnd end)
    {
        // Its own lock, because cancellation calls whoever listens.
        lock (_closing)
        {
            if (!_disposed && End is null)
            {
                End = end;
                _closed.Cancel();
            }
        }
    }

    public void Dispose()
    {
        lock (_closing)
        {
            _disposed = true;
            _closed.Dispose();
        }
    }
}

using System.Collections.Concurrent;

namespace EdgeFleet.Controller.Fleet;

/// <summary>The streams that are open now: one per device, the newest wins (a device that reconnects has given up the old one).</summary>
internal sealed class DeviceStreams(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DeviceStream> _streams = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, Contention> _contentions = new(StringComparer.Ordinal);

    public int Count => _streams.Count;

    public bool IsConnected(string deviceId) => _streams.ContainsKey(deviceId);

    /// <summary>Two agents seem to use the device's identity.</summary>
    public bool IsContested(string deviceId) => _contentions.TryGetValue(deviceId, out Contention? contention) && contention.IsSeen;

    /// <param name="contested">That two agents seem to use the identity has to be said now.</param>
    public DeviceStream Open(string deviceId, out bool contested)
    {
        DeviceStream stream = new(deviceId);
        DeviceStream? old = null;
        _streams.AddOrUpdate(deviceId, stream, (_, existing) =>
        {
            old = existing;
            return stream;
        });
        old?.Close(StreamEnd.Replaced);
        contested = old is not null && _contentions.GetOrAdd(deviceId, _ => new Contention(time)).Note();
        return stream;
    }

    public void Remove(DeviceStream stream)
    {
        _streams.TryRemove(KeyValuePair.Create(stream.DeviceId, stream));
    }

    public void DesiredChanged(string deviceId)
    {
        if (_streams.TryGetValue(deviceId, out DeviceStream? stream))
        {
            stream.DesiredChanged();
        }
    }

    public void Acked(string deviceId, long boot, long contiguous)
    {
        if (_streams.TryGetValue(deviceId, out DeviceStream? stream))
        {
            stream.Acked(boot, contiguous);
        }
    }

    /// <summary>Ends the stream of a device that was revoked, at once.</summary>
    public void ShutOut(string deviceId)
    {
        if (_streams.TryGetValue(deviceId, out DeviceStream? stream))
        {
            stream.Close(StreamEnd.ShutOut);
        }
    }
}

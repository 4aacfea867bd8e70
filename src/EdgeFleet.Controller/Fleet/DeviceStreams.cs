using System.Collections.Concurrent;

namespace EdgeFleet.Controller.Fleet;

/// <summary>The streams that are open now: one per device, the newest wins (a device that reconnects has given up the old one).</summary>
internal sealed class DeviceStreams
{
    private readonly ConcurrentDictionary<string, DeviceStream> _streams = new(StringComparer.Ordinal);

    public int Count => _streams.Count;

    public bool IsConnected(string deviceId) => _streams.ContainsKey(deviceId);

    /// <summary>Told when a device connects or is gone: who waits for devices wants to look again.</summary>
    public event Action<string>? Changed;

    public DeviceStream Open(string deviceId)
    {
        DeviceStream stream = new(deviceId);
        DeviceStream? old = null;
        _streams.AddOrUpdate(deviceId, stream, (_, existing) =>
        {
            old = existing;
            return stream;
        });
        old?.Close();
        Changed?.Invoke(deviceId);
        return stream;
    }

    public void Remove(DeviceStream stream)
    {
        if (_streams.TryRemove(KeyValuePair.Create(stream.DeviceId, stream)))
        {
            Changed?.Invoke(stream.DeviceId);
        }
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

    /// <summary>Ends a device's stream at once.</summary>
    public void Close(string deviceId)
    {
        if (_streams.TryGetValue(deviceId, out DeviceStream? stream))
        {
            stream.Close();
        }
    }
}

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>Packet ids 1 to 65535 that are in nobody's hands. Publishes, subscribes and unsubscribes share them.</summary>
internal sealed class PacketIds
{
    private readonly HashSet<ushort> _taken = [];
    private ushort _last;

    public ushort Take()
    {
        if (_taken.Count == ushort.MaxValue)
        {
            throw new InvalidOperationException("all 65535 packet ids are in use");
        }
        do
        {
            _last = _last == ushort.MaxValue ? (ushort)1 : (ushort)(_last + 1);
        }
        while (!_taken.Add(_last));
        return _last;
    }

    public void Release(ushort id) => _taken.Remove(id);
}

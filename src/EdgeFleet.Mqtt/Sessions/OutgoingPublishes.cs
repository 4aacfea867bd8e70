namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// The sender's half of the session state (MQTT 5, 4.1 and 4.4): what waits to be sent, what is in flight, and how many more the
/// broker will take. Survives links. Not thread-safe: the session's gate guards it.
/// </summary>
internal sealed class OutgoingPublishes(PacketIds ids, int maximumPending)
{
    /// <summary>Leaves most of the 65,535 packet ids free, so that there is always one for a subscription.</summary>
    private const int MaximumInFlight = 16_384;

    private const int CompactAbove = 64;

    private readonly Dictionary<ushort, PendingPublish> _inFlight = [];
    private Queue<PendingPublish> _waiting = new();
    private Queue<PendingPublish> _resend = new();
    private long _sequence;
    private long _link;
    private int _quota;
    private int _abandonedWaiting;

    public long Resent { get; private set; }

    public int InFlight => _inFlight.Count;

    /// <summary>Queued and not abandoned, or in flight.</summary>
    public int Pending { get; private set; }

    /// <summary>Null where too many are pending.</summary>
    public PendingPublish? Add(MqttMessage message)
    {
        if (Pending >= maximumPending)
        {
            return null;
        }
        PendingPublish publish = new(message, ++_sequence);
        _waiting.Enqueue(publish);
        Pending++;
        return publish;
    }

    /// <summary>
    /// A new link. Where the broker kept the session, what is in flight is sent again first, with the same packet ids. Where it
    /// did not, old packet ids mean nothing to it: the same messages go to the front of the queue and are sent as new ones.
    /// </summary>
    public void Begin(long link, bool sessionPresent, int receiveMaximum)
    {
        _link = link;
        _quota = Math.Min(receiveMaximum, MaximumInFlight);
        PendingPublish[] unacknowledged = [.. _inFlight.Values.OrderBy(publish => publish.Sequence)];
        if (sessionPresent)
        {
            _resend = new Queue<PendingPublish>(unacknowledged);
            return;
        }
        _resend.Clear();
        _inFlight.Clear();
        foreach (PendingPublish publish in unacknowledged)
        {
            ids.Release(publish.PacketId);
            publish.PacketId = 0;
            if (publish.IsAbandoned)
            {
                Pending--;
            }
        }
        _waiting = new Queue<PendingPublish>(unacknowledged.Where(publish => !publish.IsAbandoned).Concat(_waiting));
    }

    /// <summary>The next message to put on the wire, if the broker takes one more.</summary>
    public bool TryTake(out PendingPublish publish, out bool duplicate)
    {
        publish = null!;
        duplicate = false;
        if (_quota == 0)
        {
            return false;
        }
        while (_resend.TryDequeue(out PendingPublish? again))
        {
            // An abandoned one is sent again all the same: the broker still holds its packet id.
            if (_inFlight.TryGetValue(again.PacketId, out PendingPublish? held) && ReferenceEquals(held, again))
            {
                Resent++;
                duplicate = true;
                return Send(publish = again);
            }
        }
        while (_waiting.TryDequeue(out PendingPublish? next))
        {
            if (next.IsAbandoned)
            {
                _abandonedWaiting--;
            }
            else
            {
                // Sent once before, on a session that the broker forgot.
                Resent += next.SentOn != 0 ? 1 : 0;
                next.PacketId = ids.Take();
                _inFlight.Add(next.PacketId, next);
                return Send(publish = next);
            }
        }
        return false;
    }

    /// <summary>The message cannot be sent to this broker; it was just taken.</summary>
    public void Withdraw(PendingPublish publish)
    {
        _inFlight.Remove(publish.PacketId);
        ids.Release(publish.PacketId);
        _quota++;
        Pending--;
    }

    /// <summary>Null where nothing with that id is in flight.</summary>
    public PendingPublish? Acknowledge(ushort packetId)
    {
        if (!_inFlight.Remove(packetId, out PendingPublish? publish))
        {
            return null;
        }
        ids.Release(packetId);
        Pending--;
        if (publish.SentOn == _link)
        {
            _quota++;
        }
        return publish;
    }

    /// <summary>The caller gave up. In flight, the packet id stays taken until the broker lets go of it.</summary>
    public void Abandoned(PendingPublish publish)
    {
        if (publish.PacketId != 0)
        {
            return;
        }
        Pending--;
        // Without a link nothing else ever empties the queue of what was given up.
        if (++_abandonedWaiting > CompactAbove && _abandonedWaiting > _waiting.Count / 2)
        {
            _waiting = new Queue<PendingPublish>(_waiting.Where(waiting => !waiting.IsAbandoned));
            _abandonedWaiting = 0;
        }
    }

    /// <summary>Empties everything; for the end of the session.</summary>
    public IReadOnlyList<PendingPublish> TakeAll()
    {
        List<PendingPublish> all = [.. _inFlight.Values, .. _waiting];
        _inFlight.Clear();
        _waiting.Clear();
        _resend.Clear();
        Pending = 0;
        _abandonedWaiting = 0;
        return all;
    }

    private bool Send(PendingPublish publish)
    {
        publish.SentOn = _link;
        _quota--;
        return true;
    }
}

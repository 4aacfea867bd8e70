using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>A received message and the link that its acknowledgement belongs to.</summary>
internal readonly record struct InboundMessage(PublishPacket Packet, long Link);

/// <summary>
/// Messages between the link and the handlers, so that a slow handler never holds up the reading of acknowledgements.
/// QoS 1 is bounded by the receive maximum that the broker was told; QoS 0 above the capacity is dropped. A broker may send more
/// all the same (mosquitto 2.0.11 does, when it resumes a session that it had saved to disk, and again at each reconnect, so that
/// hanging up would never end): then the link is read no faster than the handlers catch up.
/// </summary>
internal sealed class Inbox(int capacity)
{
    private readonly Channel<InboundMessage> _messages = Channel.CreateUnbounded<InboundMessage>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });

    private volatile TaskCompletionSource _nextLink = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _room;
    private int _count;
    private int _limit = 2 * capacity;
    private long _link;
    private long _sessionBegan;

    public bool IsCongested => Volatile.Read(ref _count) >= Volatile.Read(ref _limit);

    /// <summary>A new link, with or without the session that the previous link had.</summary>
    public void Begin(long link, bool sessionPresent)
    {
        if (!sessionPresent)
        {
            Volatile.Write(ref _sessionBegan, link);
        }
        Volatile.Write(ref _link, link);
        Interlocked.Exchange(ref _nextLink, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    /// <summary>False where a QoS 0 message was dropped.</summary>
    public bool Add(in PublishPacket packet, long link)
    {
        if (packet.Qos == MqttQos.AtMostOnce && Volatile.Read(ref _count) >= capacity)
        {
            return false;
        }
        Interlocked.Increment(ref _count);
        _messages.Writer.TryWrite(new InboundMessage(packet, link));
        return true;
    }

    /// <summary>
    /// Until the handlers have caught up; one waiter at a time. A handler may itself wait for something that has not been read yet,
    /// such as the acknowledgement of a publish: after a while as many again are let in.
    /// </summary>
    public async Task WaitForRoomAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
    {
        TaskCompletionSource room = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _room, room);
        if (!IsCongested)
        {
            return;
        }
        try
        {
            await room.Task.WaitAsync(patience, time, cancellationToken);
            Volatile.Write(ref _limit, 2 * capacity);
        }
        catch (TimeoutException)
        {
            Volatile.Write(ref _limit, Volatile.Read(ref _count) + capacity);
        }
        catch (OperationCanceledException)
        {
            // The link has ended.
        }
    }

    /// <summary>False after <see cref="Complete"/>.</summary>
    public async ValueTask<(bool Any, InboundMessage Message)> TakeAsync(CancellationToken cancellationToken)
    {
        while (await _messages.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_messages.Reader.TryRead(out InboundMessage message))
            {
                if (Interlocked.Decrement(ref _count) == capacity)
                {
                    Volatile.Read(ref _room)?.TrySetResult();
                }
                if (!ComesAgain(message))
                {
                    return (true, message);
                }
            }
        }
        return (false, default);
    }

    /// <summary>
    /// Until there is a link after that one. When a message has failed, those behind it wait: whether they come again, in their old
    /// order, is known only when the broker has said whether it kept the session.
    /// </summary>
    public async Task WaitForLinkAfterAsync(long link, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task next = _nextLink.Task;
            if (Volatile.Read(ref _link) > link)
            {
                return;
            }
            await next.WaitAsync(cancellationToken);
        }
    }

    public void Complete() => _messages.Writer.TryComplete();

    /// <summary>
    /// Unacknowledged, from an earlier link of the session that the broker still has: it delivers the message again on this link.
    /// What a forgotten session had delivered exists only here and is kept.
    /// </summary>
    private bool ComesAgain(in InboundMessage message) =>
        message.Packet.Qos == MqttQos.AtLeastOnce && message.Link < Volatile.Read(ref _link) && message.Link >= Volatile.Read(ref _sessionBegan);
}

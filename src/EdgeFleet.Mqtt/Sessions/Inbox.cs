using System.Threading.Channels;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>A received message and the link that its acknowledgement belongs to.</summary>
internal readonly record struct InboundMessage(PublishPacket Packet, long Link);

/// <summary>
/// Messages between the link and the handlers, so that a slow handler never holds up the reading of acknowledgements.
/// QoS 1 is bounded by the receive maximum that the broker was told; QoS 0 above the capacity is dropped.
/// </summary>
internal sealed class Inbox(int capacity)
{
    private readonly Channel<InboundMessage> _messages = Channel.CreateUnbounded<InboundMessage>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });

    private volatile TaskCompletionSource _nextLink = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private long _link;
    private long _sessionBegan;

    public enum Admission
    {
        Taken,
        Dropped,

        /// <summary>Left-overs of several links wait for handlers that do not move; the link must pause.</summary>
        Full,
    }

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

    public Admission Add(in PublishPacket packet, long link)
    {
        int count = Volatile.Read(ref _count);
        if (packet.Qos == MqttQos.AtMostOnce && count >= capacity)
        {
            return Admission.Dropped;
        }
        if (count >= 4 * capacity)
        {
            return Admission.Full;
        }
        Interlocked.Increment(ref _count);
        _messages.Writer.TryWrite(new InboundMessage(packet, link));
        return Admission.Taken;
    }

    /// <summary>False after <see cref="Complete"/>.</summary>
    public async ValueTask<(bool Any, InboundMessage Message)> TakeAsync(CancellationToken cancellationToken)
    {
        while (await _messages.Reader.WaitToReadAsync(cancellationToken))
        {
            while (_messages.Reader.TryRead(out InboundMessage message))
            {
                Interlocked.Decrement(ref _count);
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

using System.Threading.Channels;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// Starts handlers in order of arrival and acknowledges in the same order (MQTT 5, 4.6), after each has completed. With a
/// concurrency above one a handler can hand its message to a batch and complete when the batch is saved, without waiting alone.
/// </summary>
internal sealed class HandlerLoop(
    Inbox inbox, Subscriptions subscriptions, MqttSessionOptions options,
    Action<InboundMessage, MqttReasonCode> acknowledge, Action<InboundMessage, ConnectionEnd> endLink)
{
    private long _discarded;
    private long _failed;
    private long _failedLink;

    /// <summary>Messages without a handler or with content that breaks the rules.</summary>
    public long Discarded => Volatile.Read(ref _discarded);

    /// <summary>Messages whose handler threw.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Until the token is cancelled; waits for handlers that have begun. Throws only for bugs.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using SemaphoreSlim slots = new(options.HandlerConcurrency);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Channel<(InboundMessage, Task<Outcome>)> started = Channel.CreateUnbounded<(InboundMessage, Task<Outcome>)>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        Task settle = SettleAsync(started.Reader, slots, either);
        try
        {
            while (true)
            {
                await slots.WaitAsync(either.Token);
                await inbox.WaitForLinkAfterAsync(Volatile.Read(ref _failedLink), either.Token);
                (bool any, InboundMessage message) = await inbox.TakeAsync(either.Token);
                if (!any)
                {
                    break;
                }
                started.Writer.TryWrite((message, HandleAsync(message, stop)));
            }
        }
        catch (OperationCanceledException)
        {
            // The session ends; what has not been started was not acknowledged either.
        }
        finally
        {
            started.Writer.Complete();
            await settle;
        }
    }

    private enum Outcome
    {
        Done,
        Refused,
        Redeliver,
    }

    private async Task SettleAsync(ChannelReader<(InboundMessage, Task<Outcome>)> started, SemaphoreSlim slots, CancellationTokenSource broken)
    {
        try
        {
            await foreach ((InboundMessage message, Task<Outcome> handling) in started.ReadAllAsync())
            {
                Outcome outcome = await handling;
                slots.Release();
                // Nothing behind a failed message is acknowledged on its link, so that the broker brings them again in order.
                if (message.Packet.Qos == MqttQos.AtLeastOnce && outcome != Outcome.Redeliver && message.Link > Volatile.Read(ref _failedLink))
                {
                    acknowledge(message, outcome == Outcome.Done ? MqttReasonCode.Success : MqttReasonCode.ImplementationSpecificError);
                }
            }
        }
        catch
        {
            // Otherwise the loop that starts handlers waits for ever for a slot.
            await broken.CancelAsync();
            throw;
        }
    }

    private async Task<Outcome> HandleAsync(InboundMessage message, CancellationToken stop)
    {
        if (message.Packet.Message is not { } received)
        {
            Interlocked.Increment(ref _discarded);
            return Outcome.Refused;
        }
        List<Func<MqttReceivedMessage, CancellationToken, Task>> handlers = subscriptions.Handlers(received.Topic);
        if (handlers.Count == 0)
        {
            // A kept session may hold filters of an earlier version of the owner.
            Interlocked.Increment(ref _discarded);
            return Outcome.Done;
        }
        try
        {
            foreach (Func<MqttReceivedMessage, CancellationToken, Task> handler in handlers)
            {
                await handler(received, stop);
            }
            return Outcome.Done;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Outcome.Redeliver;
        }
        catch (Exception exception)
        {
            Interlocked.Increment(ref _failed);
            return AfterFailure(message, received, exception);
        }
    }

    /// <summary>Whatever it was, it was the owner's; the owner decides through OnHandlerFailed.</summary>
    private Outcome AfterFailure(InboundMessage message, MqttReceivedMessage received, Exception exception)
    {
        ConnectionEnd end;
        try
        {
            if (options.OnHandlerFailed?.Invoke(received, exception) == MqttFailureAction.Refuse)
            {
                return Outcome.Refused;
            }
            if (message.Packet.Qos == MqttQos.AtMostOnce)
            {
                return Outcome.Done; // it cannot come again
            }
            end = new ConnectionEnd(
                MqttDisconnectCause.HandlerFailed, $"the handler of '{received.Topic}' failed: {exception.Message}", null, exception,
                MqttReasonCode.ImplementationSpecificError);
        }
        catch (Exception bug)
        {
            end = ConnectionEnd.CallbackFailed(nameof(options.OnHandlerFailed), bug);
        }
        RaiseFailedLink(message.Link);
        endLink(message, end);
        return Outcome.Redeliver;
    }

    /// <summary>Never down: a handler of an older link may fail after one of a newer link.</summary>
    private void RaiseFailedLink(long link)
    {
        for (long seen = Volatile.Read(ref _failedLink); seen < link;)
        {
            long before = Interlocked.CompareExchange(ref _failedLink, link, seen);
            seen = before == seen ? link : before;
        }
    }
}

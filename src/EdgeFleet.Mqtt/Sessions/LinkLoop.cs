namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// One link after another: opens it, lets the traffic run over it until it ends, tells the owner why, and pauses. Used by one
/// flow of control at a time.
/// </summary>
internal sealed class LinkLoop(MqttSessionOptions options, TimeProvider time, Random random, Traffic traffic, CancellationToken stop)
{
    private readonly ReconnectDelay _delay = new(options.ReconnectDelay, options.MaximumReconnectDelay, random);
    private readonly EvictionWatch _evictions = new();
    private bool _cleanStart = options.CleanStart;

    /// <exception cref="MqttException">The network, the broker or the disk under the will is in the way.</exception>
    public async Task<MqttConnection> OpenAsync(CancellationToken cancellationToken)
    {
        MqttWill? will = null;
        try
        {
            will = options.WillFactory?.Invoke();
            will?.Message.Validate();
        }
        catch (IOException exception)
        {
            // Where the owner keeps its epoch may be full or away; that passes.
            throw new MqttException($"the will could not be made: {exception.Message}", null, exception);
        }
        return await MqttConnector.OpenAsync(options, _cleanStart, will, time, traffic.Gate, cancellationToken);
    }

    /// <summary>Until the session is to stop or was taken over. Returns what the session has failed of, or null.</summary>
    /// <param name="connection">A link to begin with, or null.</param>
    /// <param name="attached">Set when that link carries traffic.</param>
    public async Task<Exception?> RunAsync(MqttConnection? connection, TaskCompletionSource? attached)
    {
        try
        {
            while (true)
            {
                if (connection is null)
                {
                    try
                    {
                        connection = await OpenAsync(stop);
                    }
                    catch (MqttException exception)
                    {
                        _evictions.ConnectFailed();
                        await PauseAsync(new ConnectionEnd(MqttDisconnectCause.ConnectFailed, exception.Message, exception.ReasonCode, exception), _delay.Next());
                        continue;
                    }
                }
                long began = time.GetTimestamp();
                ConnectionEnd end = await ServeAsync(connection, attached);
                connection = null;
                TimeSpan lived = time.GetElapsedTime(began);
                if (lived >= options.StableAfter)
                {
                    _delay.Reset();
                }
                if (end.Cause is MqttDisconnectCause.Requested or MqttDisconnectCause.SessionTakenOver or MqttDisconnectCause.Faulted)
                {
                    await NotifyAsync(end, null);
                    return end.Cause == MqttDisconnectCause.SessionTakenOver ? new MqttException(end.Detail, end.ReasonCode) : end.Exception;
                }
                if (_evictions.LinkEnded(end.Cause, lived))
                {
                    await PauseAsync(Suspect(end), _delay.Longest());
                }
                else
                {
                    await PauseAsync(end, _delay.Next());
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop while there was no link.
            return null;
        }
        catch (Exception exception)
        {
            // The owner's own callback threw, or there is a bug here: nobody can know what to do next, so the session ends and says
            // so in Completion.
            return exception;
        }
    }

    private async Task<ConnectionEnd> ServeAsync(MqttConnection connection, TaskCompletionSource? attached)
    {
        using (connection)
        {
            _cleanStart = false;
            traffic.Attach(connection);
            attached?.TrySetResult();
            Task callback = NotifyConnectedAsync(connection);
            ConnectionEnd end = await connection.RunAsync(traffic, stop);
            traffic.Detach();
            await callback;
            return end;
        }
    }

    private async Task NotifyConnectedAsync(MqttConnection connection)
    {
        if (options.OnConnected is not { } callback)
        {
            return;
        }
        try
        {
            await Task.Yield();
            await callback(new MqttConnected(connection.ConnAck.SessionPresent, connection.Number), connection.Ended);
        }
        catch (OperationCanceledException) when (connection.Ended.IsCancellationRequested)
        {
            // The link ended under it; the next connect calls again.
        }
        catch (Exception exception)
        {
            connection.End(ConnectionEnd.CallbackFailed("OnConnected", exception));
        }
    }

    private ConnectionEnd Suspect(ConnectionEnd end) => end with
    {
        Cause = MqttDisconnectCause.SuspectedTakeOver,
        Detail = $"the broker accepts '{options.ClientId}' and soon closes the link again without a word: another client may be using this id, or the broker shuts this one out (a revoked device)",
    };

    private async Task PauseAsync(ConnectionEnd end, TimeSpan pause)
    {
        await NotifyAsync(end, pause);
        await Task.Delay(pause, time, stop);
    }

    private async Task NotifyAsync(ConnectionEnd end, TimeSpan? retryIn)
    {
        if (options.OnDisconnected is { } callback)
        {
            await callback(new MqttDisconnected(end.Cause, end.Detail, end.ReasonCode, end.Exception, retryIn), stop);
        }
    }
}

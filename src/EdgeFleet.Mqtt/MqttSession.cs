using EdgeFleet.Mqtt.Sessions;

namespace EdgeFleet.Mqtt;

/// <inheritdoc cref="IMqttSession"/>
public sealed class MqttSession : IMqttSession
{
    // Set in every loop that calls the owner, so that disposal from in there does not wait for itself.
    private static readonly AsyncLocal<MqttSession?> s_inside = new();

    private readonly MqttSessionOptions _options;
    private readonly Traffic _traffic;
    private readonly LinkLoop _links;
    private readonly Lock _life = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile Exception? _fault;
    private Task? _loop;
    private bool _running;
    private bool _over;

    /// <param name="random">For the jitter; used by one loop at a time.</param>
    public MqttSession(MqttSessionOptions options, TimeProvider? time = null, Random? random = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _traffic = new Traffic(options);
        _links = new LinkLoop(options, time ?? TimeProvider.System, random ?? Random.Shared, _traffic, _stop.Token);
        // Whoever does not look at Completion shall not be told of it by the finalizer.
        _ = _completion.Task.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    public bool IsConnected => _traffic.IsConnected;

    public MqttSessionCounters Counters => _traffic.Counters;

    public Task Completion => _completion.Task;

    public async Task ConnectAsync(CancellationToken cancellationToken = default)
    {
        TaskCompletionSource first = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Begin(first, cancellationToken);
        await first.Task;
    }

    public Task StartAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Begin(null, CancellationToken.None);
        return Task.CompletedTask;
    }

    public Task<MqttAck> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        message.Validate();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<MqttAck>(cancellationToken);
        }
        return _traffic.Publish(message, cancellationToken);
    }

    public async Task<MqttQos> SubscribeAsync(
        string filter, MqttQos qos, Func<MqttReceivedMessage, CancellationToken, Task> handler, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (MqttTopic.FilterFault(filter) is { } fault)
        {
            throw new ArgumentException(fault);
        }
        if (qos is not (MqttQos.AtMostOnce or MqttQos.AtLeastOnce))
        {
            throw new NotSupportedException($"QoS {(int)qos} for '{filter}': this client subscribes at QoS 0 and 1 only");
        }
        return await _traffic.Ask(new Subscription(filter, qos, handler)).WaitAsync(cancellationToken);
    }

    public async Task UnsubscribeAsync(string filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        await _traffic.Ask(new Subscription(filter, MqttQos.AtMostOnce, null)).WaitAsync(cancellationToken);
    }

    public async Task DisconnectAsync(CancellationToken cancellationToken = default)
    {
        await RequestStopAsync();
        await Completion.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)
            .WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await RequestStopAsync();
        if (s_inside.Value != this && _loop is { } loop)
        {
            await loop;
        }
    }

    private void Begin(TaskCompletionSource? first, CancellationToken cancellationToken)
    {
        lock (_life)
        {
            ObjectDisposedException.ThrowIf(_over || _stop.IsCancellationRequested, this);
            if (_running)
            {
                throw new InvalidOperationException($"session '{_options.ClientId}' is running already");
            }
            _running = true;
            _loop = Task.Run(() => RunAsync(first, cancellationToken), CancellationToken.None);
        }
    }

    private async Task RunAsync(TaskCompletionSource? first, CancellationToken firstToken)
    {
        s_inside.Value = this;
        if (first is not null)
        {
            MqttConnection connection;
            try
            {
                // Only for the first link: the caller's token may live much longer.
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, firstToken);
                connection = await _links.OpenAsync(either.Token);
            }
            catch (Exception exception)
            {
                // Nothing has begun: the caller of ConnectAsync decides, and may start the session again.
                Rest();
                first.TrySetException(_stop.IsCancellationRequested ? new ObjectDisposedException(nameof(MqttSession))
                    : exception is OperationCanceledException ? new OperationCanceledException(firstToken)
                    : exception);
                return;
            }
            await LiveAsync(connection, first);
            return;
        }
        await LiveAsync(null, null);
    }

    /// <summary>Back to not started, unless somebody wants the end meanwhile.</summary>
    private void Rest()
    {
        lock (_life)
        {
            _running = false;
        }
        if (_stop.IsCancellationRequested)
        {
            Finish(null);
        }
    }

    /// <summary>The session's life from its first link, or from its first attempt, until it is over.</summary>
    private async Task LiveAsync(MqttConnection? connection, TaskCompletionSource? first)
    {
        Task handlers = Task.Run(HandleAsync, CancellationToken.None);
        Exception? failure = await _links.RunAsync(connection, first) ?? _fault;
        Finish(failure);
        first?.TrySetException(failure ?? new ObjectDisposedException(nameof(MqttSession)));
        await _stop.CancelAsync();
        await handlers;
    }

    /// <summary>Without the loop over messages there is no point in a link: a bug in it ends the session too.</summary>
    private async Task HandleAsync()
    {
        s_inside.Value = this;
        try
        {
            await _traffic.HandleAsync(_stop.Token);
        }
        catch (Exception exception)
        {
            _fault = exception;
            _traffic.EndLink(ConnectionEnd.Faulted(exception));
            await _stop.CancelAsync();
        }
    }

    private async Task RequestStopAsync()
    {
        bool idle;
        lock (_life)
        {
            idle = !_running;
        }
        await _stop.CancelAsync();
        if (idle)
        {
            Finish(null);
        }
    }

    /// <summary>The end, once: everything pending fails, and Completion says why.</summary>
    private void Finish(Exception? failure)
    {
        lock (_life)
        {
            if (_over)
            {
                return;
            }
            _over = true;
        }
        Exception reason = failure ?? new ObjectDisposedException($"MQTT session '{_options.ClientId}'");
        _traffic.End(new MqttException($"session '{_options.ClientId}' has ended: {reason.Message}", (failure as MqttException)?.ReasonCode, reason));
        if (failure is null)
        {
            _completion.TrySetResult();
        }
        else
        {
            _completion.TrySetException(failure);
        }
    }
}

using System.Buffers;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>
/// One call on the client. Server, deadline, caller and connection race to end it; <see cref="CallOutcome"/> takes the
/// first, and from then on nothing of the call goes on: request body, reads and the HTTP/2 stream.
/// </summary>
internal sealed class ClientCall<TRequest, TResponse> : IDisposable
    where TRequest : class
    where TResponse : class
{
    private readonly GrpcChannel _channel;
    private readonly Method<TRequest, TResponse> _method;
    private readonly string? _host;
    private readonly CallOptions _options;
    private readonly DateTime? _deadline;
    private readonly CallOutcome _outcome = new();
    private readonly TaskCompletionSource<Metadata> _headers = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<TResponse> _single = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ResponseFrames?> _frames = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly List<IDisposable> _owned = [];
    private StreamingRequestContent? _requests;
    private HttpResponseMessage? _response;
    private TResponse? _message;

    public ClientCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        _channel = channel;
        _method = method;
        _host = host;
        _options = options;
        _deadline = CheckDeadline(options.Deadline);
        Responses = new ClientStreamReader<TRequest, TResponse>(this);
    }

    public CallOutcome Outcome => _outcome;

    public Method<TRequest, TResponse> Method => _method;

    public CallOptions Options => _options;

    public int? MaxSendBytes => _channel.Options.MaxSendMessageSize;

    public ClientStreamReader<TRequest, TResponse> Responses { get; }

    public Task<TResponse> SingleResponse => _single.Task;

    public Task<Metadata> ResponseHeaders => _headers.Task;

    /// <summary>The response body, once its headers are there; null where the call ended without one.</summary>
    public Task<ResponseFrames?> Frames => _frames.Task;

    private bool HasSingleResponse => _method.Type is MethodType.Unary or MethodType.ClientStreaming;

    public void StartWith(TRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArrayBufferWriter<byte> frame = new();
        try
        {
            FrameSerializationContext.Serialize(new FrameSerializationContext(frame, MaxSendBytes), _method.RequestMarshaller, request);
        }
        catch (Exception ex)
        {
            End(ToStatus(ex), []);
        }

        Start(new SingleRequestContent(frame.WrittenMemory));
    }

    public IClientStreamWriter<TRequest> StartStreaming()
    {
        _requests = new StreamingRequestContent();
        Start(_requests);
        return new ClientStreamWriter<TRequest, TResponse>(this, _requests);
    }

    public Status GetStatus() => _outcome.Status;

    public Metadata GetTrailers() => _outcome.Trailers;

    public void Cancel() => End(new Status(StatusCode.Cancelled, "The call was cancelled by the client."), []);

    public void Dispose() => End(new Status(StatusCode.Cancelled, "The call was disposed by the client."), []);

    /// <summary>The body is at its end: the trailers have the last word.</summary>
    public void EndFromTrailers(int unfinishedBytes)
    {
        (Status status, Metadata trailers) = ResponseHead.ReadTrailers(_response!);
        if (status.StatusCode == StatusCode.OK)
        {
            if (unfinishedBytes > 0)
            {
                status = new Status(StatusCode.Internal, $"The response ended inside a message, {unfinishedBytes} bytes after its start.");
            }
            else if (HasSingleResponse && _message is null)
            {
                status = new Status(StatusCode.Internal, $"'{_method.FullName}' answers with one message, the response held none.");
            }
        }

        End(status, trailers);
    }

    public void EndWith(Exception failure) => End(ToStatus(failure), []);

    /// <summary>A stream that broke at its deadline broke because of it: the server resets it then.</summary>
    public Status ToStatus(Exception failure) =>
        failure is not RpcException && _deadline <= _channel.Options.Time.GetUtcNow().UtcDateTime
            ? DeadlineExceeded(failure)
            : FailureStatus.From(failure, _channel.Address, beforeResponse: _response is null);

    private static Status DeadlineExceeded(Exception? cause) => new(StatusCode.DeadlineExceeded, "The deadline of the call has passed.", cause);

    private static DateTime? CheckDeadline(DateTime? deadline) => deadline switch
    {
        null => null,
        { Ticks: var ticks } when ticks == DateTime.MaxValue.Ticks => null,
        { Kind: DateTimeKind.Utc } => deadline,
        { Ticks: 0 } => deadline,
        _ => throw new InvalidOperationException($"The deadline {deadline:O} is not in UTC."),
    };

    private void Start(HttpContent content)
    {
        TimeSpan? left = _deadline - _channel.Options.Time.GetUtcNow().UtcDateTime;
        HttpRequestMessage request = CallRequest.Create(_channel.Address, _method.FullName, _host, _options.Headers, left, content);
        if (left <= TimeSpan.Zero)
        {
            End(DeadlineExceeded(null), []);
        }

        if (_deadline is { } deadline && !_outcome.HasEnded)
        {
            Own(new DeadlineTimer(deadline, _channel.Options.Time, () => End(DeadlineExceeded(null), [])));
        }

        CancelWith(_options.CancellationToken);
        CancelWith(_channel.Disposed);
        if (!_outcome.HasEnded)
        {
            // It reports through the outcome and never throws.
            _ = RunAsync(request);
        }
    }

    private void CancelWith(CancellationToken token)
    {
        if (token.CanBeCanceled && !_outcome.HasEnded)
        {
            Own(token.UnsafeRegister(static call => ((ClientCall<TRequest, TResponse>)call!).Cancel(), this));
        }
    }

    private async Task RunAsync(HttpRequestMessage request)
    {
        try
        {
            HttpResponseMessage response = await _channel.Http.SendAsync(request, _outcome.Stop).ConfigureAwait(false);
            Own(response);
            _response = response;
            Stream body = await response.Content.ReadAsStreamAsync(_outcome.Stop).ConfigureAwait(false);
            if (ResponseHead.ReadStatusInHeaders(response) is { } status)
            {
                await EndWithHeadersAsync(response, status, body).ConfigureAwait(false);
                return;
            }

            _headers.TrySetResult(ResponseHead.ReadHeaders(response));
            ResponseFrames frames = new(body, _channel.Options.MaxReceiveMessageSize);
            Own(new FramesCloser(frames));
            if (HasSingleResponse)
            {
                await ReadSingleAsync(frames).ConfigureAwait(false);
                return;
            }

            if (_method.Type == MethodType.DuplexStreaming)
            {
                Responses.WatchForEnd(frames);
            }

            _frames.TrySetResult(frames);
        }
        catch (Exception ex)
        {
            EndWith(ex);
        }
    }

    private async Task EndWithHeadersAsync(HttpResponseMessage response, Status status, Stream body)
    {
        // Headers that carry the status are the whole response: a message behind them is a broken server.
        if (status.StatusCode == StatusCode.OK && await body.ReadAsync(new byte[1], _outcome.Stop).ConfigureAwait(false) > 0)
        {
            status = new Status(StatusCode.Internal, "The server sent a message after a status in the headers.");
        }

        if (status.StatusCode == StatusCode.OK && HasSingleResponse)
        {
            status = new Status(StatusCode.Internal, $"'{_method.FullName}' answers with one message, the response held none.");
        }

        End(status, ResponseHead.ReadHeaders(response));
    }

    private async Task ReadSingleAsync(ResponseFrames frames)
    {
        PayloadDeserializationContext payloads = new();
        if (!frames.TryEnter())
        {
            return;
        }

        try
        {
            do
            {
                while (frames.TryTake(out ReadOnlySequence<byte> payload))
                {
                    _message = _message is null
                        ? payloads.Read(_method.ResponseMarshaller, payload)
                        : throw new RpcException(new Status(StatusCode.Internal, $"'{_method.FullName}' answers with one message, the response held more."));
                }
            }
            while (await frames.FillAsync(_outcome.Stop).ConfigureAwait(false));
            EndFromTrailers(frames.UnfinishedBytes);
        }
        finally
        {
            frames.Leave();
        }
    }

    private void End(Status status, Metadata trailers)
    {
        if (!_outcome.TryEnd(status, trailers))
        {
            return;
        }

        _outcome.StopAll();
        _requests?.Abandon();
        IDisposable[] owned;
        lock (_gate)
        {
            owned = [.. _owned];
            _owned.Clear();
        }

        foreach (IDisposable disposable in owned)
        {
            Release(disposable);
        }

        _frames.TrySetResult(null);
        if (status.StatusCode == StatusCode.OK)
        {
            _headers.TrySetResult([]);
            if (HasSingleResponse)
            {
                _single.TrySetResult(_message!);
            }

            return;
        }

        // A refusal in the headers is a response; only a call that got none has no headers to give.
        RpcException exception = _outcome.ToException();
        if (_response is null ? _headers.TrySetException(exception) : _headers.TrySetResult([]))
        {
            _ = _headers.Task.Exception;
        }

        if (HasSingleResponse && _single.TrySetException(exception))
        {
            // Read once, so that a caller who only looks at the status leaves no unobserved exception behind.
            _ = _single.Task.Exception;
        }
    }

    /// <summary>Keeps something for as long as the call lives.</summary>
    private void Own(IDisposable disposable)
    {
        lock (_gate)
        {
            if (!_outcome.HasEnded)
            {
                _owned.Add(disposable);
                return;
            }
        }

        Release(disposable);
    }

    private static void Release(IDisposable disposable)
    {
        if (disposable is CancellationTokenRegistration registration)
        {
            // Disposing would wait for the callback, and it may be the callback that ends the call.
            registration.Unregister();
        }
        else
        {
            disposable.Dispose();
        }
    }

    private sealed class FramesCloser(ResponseFrames frames) : IDisposable
    {
        public void Dispose() => frames.Close();
    }
}

using System.Buffers;
using Grpc.Core;
using Grpc.Core.Wire;

namespace Grpc.Net.Client;

/// <summary>The response stream of a call as its caller reads it.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(ClientCall<TRequest, TResponse> call) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private readonly PayloadDeserializationContext _payloads = new();
    private Task _watch = Task.CompletedTask;
    private TResponse? _current;
    private int _reading;

    public TResponse Current => _current ?? throw new InvalidOperationException("There is no current message: call MoveNext, and read while it gives true.");

    /// <summary>Whether someone waits for the response now, so that its end will be noticed.</summary>
    public bool IsWaiting => Volatile.Read(ref _reading) != 0 || !_watch.IsCompleted;

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("The previous read of this stream has not ended; one read at a time.");
        }

        try
        {
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
                static state => ((ClientCall<TRequest, TResponse>)state!).Cancel(), call);
            _current = null;
            return await ReadAsync().ConfigureAwait(false);
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>
    /// Waits for bytes or the end while nobody reads. A server may end a call while its caller only writes; without
    /// this the caller would wait for window for ever.
    /// </summary>
    public void WatchForEnd(ResponseFrames frames) => _watch = WatchAsync(frames);

    private async Task<bool> ReadAsync()
    {
        ResponseFrames? frames = await call.Frames.ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
        if (frames is not null && frames.TryEnter())
        {
            bool taken = false;
            try
            {
                taken = await TakeAsync(frames).ConfigureAwait(false);
            }
            catch (Exception ex)
            {
                call.EndWith(ex);
            }
            finally
            {
                frames.Leave();
            }

            if (taken)
            {
                if (call.Method.Type == MethodType.DuplexStreaming)
                {
                    WatchForEnd(frames);
                }

                return true;
            }
        }

        return call.Outcome.Status.StatusCode == StatusCode.OK ? false : throw call.Outcome.ToException();
    }

    private async Task<bool> TakeAsync(ResponseFrames frames)
    {
        while (true)
        {
            if (frames.TryTake(out ReadOnlySequence<byte> payload))
            {
                _current = _payloads.Read(call.Method.ResponseMarshaller, payload);
                return true;
            }

            if (!await frames.FillAsync(call.Outcome.Stop).ConfigureAwait(false))
            {
                call.EndFromTrailers(frames.UnfinishedBytes);
                return false;
            }
        }
    }

    private async Task WatchAsync(ResponseFrames frames)
    {
        if (!frames.TryEnter())
        {
            return;
        }

        try
        {
            if (!frames.HasMessage() && !await frames.FillAsync(call.Outcome.Stop).ConfigureAwait(false))
            {
                call.EndFromTrailers(frames.UnfinishedBytes);
            }
        }
        catch (Exception ex)
        {
            call.EndWith(ex);
        }
        finally
        {
            frames.Leave();
        }
    }
}

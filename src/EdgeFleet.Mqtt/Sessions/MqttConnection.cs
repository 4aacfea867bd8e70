using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Sessions;

/// <summary>
/// One accepted link: a loop that reads, a loop that writes what others have put into the pipe, and a watch on silence.
/// Members marked "gate" are called with the session's gate held.
/// </summary>
internal sealed class MqttConnection(
    Socket socket, Stream stream, PipeReader input, ConnAckPacket connAck, MqttSessionOptions options, TimeProvider time, Lock gate) : IDisposable
{
    /// <summary>Bytes that may wait for the socket before publishes wait in the session instead.</summary>
    private const int BacklogLimit = 256 * 1024;

    /// <summary>For the last words on a link that ends.</summary>
    private static readonly TimeSpan s_closeTimeout = TimeSpan.FromSeconds(2);

    // Never pauses its writers, who hold the gate; HasRoom is what holds back publishes.
    private readonly Pipe _output = new(new PipeOptions(pauseWriterThreshold: 0, resumeWriterThreshold: 0, useSynchronizationContext: false));
    private readonly TaskCompletionSource<ConnectionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abort = new();
    private long _unsent;
    private volatile bool _paused;
    private long _lastSent = time.GetTimestamp();
    private long _lastReceived = time.GetTimestamp();
    private bool _outputOpen = true;

    public ConnAckPacket ConnAck { get; } = connAck;

    public long Number { get; set; }

    /// <summary>Cancelled when the link has ended.</summary>
    public CancellationToken Ended => _abort.Token;

    public int ReceiveMaximum => ConnAck.Properties.ReceiveMaximum ?? ushort.MaxValue;

    public long MaximumPacketSize => ConnAck.Properties.MaximumPacketSize ?? VariableInteger.Maximum + 5L;

    /// <summary>Gate.</summary>
    public bool IsOpen => _outputOpen;

    /// <summary>Gate.</summary>
    public bool HasRoom => _outputOpen && Volatile.Read(ref _unsent) < BacklogLimit;

    /// <summary>Gate, while open. Report what was written by <see cref="Wrote"/>, then <see cref="Flush"/>.</summary>
    public IBufferWriter<byte> Output => _output.Writer;

    /// <summary>Gate.</summary>
    public void Wrote(int bytes) => Interlocked.Add(ref _unsent, bytes);

    /// <summary>Gate. Completes synchronously because the pipe never pauses.</summary>
    public void Flush()
    {
        ValueTask<FlushResult> flush = _output.Writer.FlushAsync();
        if (!flush.IsCompleted)
        {
            throw new InvalidOperationException("the output pipe has paused its writer");
        }
        flush.GetAwaiter().GetResult();
    }

    /// <summary>The first reason counts.</summary>
    public void End(ConnectionEnd end) => _ended.TrySetResult(end);

    /// <summary>Gate. Acknowledges a QoS 1 message.</summary>
    public void Acknowledge(ushort packetId, MqttReasonCode reason)
    {
        if (_outputOpen)
        {
            Wrote(PacketEncoder.PubAck(Output, packetId, reason));
            Flush();
        }
    }

    /// <summary>Runs the link to its end and returns why it ended. Never throws for what the link or the broker do.</summary>
    public async Task<ConnectionEnd> RunAsync(IConnectionSink sink, CancellationToken stop)
    {
        Task receive = GuardAsync(ReceiveAsync(sink));
        Task send = GuardAsync(SendAsync(sink));
        Task watch = GuardAsync(WatchAsync());
        ConnectionEnd end;
        await using (stop.UnsafeRegister(static state => ((MqttConnection)state!).End(ConnectionEnd.Requested), this))
        {
            end = await _ended.Task;
        }
        lock (gate)
        {
            if (end.Tell is { } reason)
            {
                Wrote(PacketEncoder.Disconnect(Output, reason));
            }
            _outputOpen = false;
            _output.Writer.Complete();
        }
        if (end.Tell is not null)
        {
            await SayGoodbyeAsync(send, receive);
        }
        await _abort.CancelAsync();
        socket.Dispose();
        await Task.WhenAll(receive, send, watch);
        await input.CompleteAsync();
        await stream.DisposeAsync();
        return end;
    }

    /// <summary>After <see cref="RunAsync"/>, when nobody holds <see cref="Ended"/> any more.</summary>
    public void Dispose()
    {
        _abort.Dispose();
        socket.Dispose();
    }

    /// <summary>A loop that stopped without a word would leave the link up and dead: whatever it did not expect is a bug, and says so.</summary>
    private async Task GuardAsync(Task loop)
    {
        try
        {
            await loop;
        }
        catch (Exception exception)
        {
            End(ConnectionEnd.Faulted(exception));
        }
    }

    /// <summary>
    /// Sends what is left, then reads until the broker closes. Closing a socket with unread bytes resets it, and a reset makes the
    /// broker throw away our DISCONNECT and publish the will.
    /// </summary>
    private async Task SayGoodbyeAsync(Task send, Task receive)
    {
        try
        {
            await send.WaitAsync(s_closeTimeout, time);
            if (socket.Connected)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
            await receive.WaitAsync(s_closeTimeout, time);
        }
        catch (Exception exception) when (exception is TimeoutException or SocketException or ObjectDisposedException)
        {
            // The peer does not listen any more; the socket is closed next.
        }
    }

    private async Task ReceiveAsync(IConnectionSink sink)
    {
        try
        {
            while (true)
            {
                ReadResult read = await input.ReadAsync(_abort.Token);
                Volatile.Write(ref _lastReceived, time.GetTimestamp());
                ReadOnlySequence<byte> buffer = read.Buffer;
                bool pause = false;
                while (!IsDeaf && !(pause = MustPause(sink))
                    && FrameReader.TryRead(ref buffer, options.MaximumPacketSize, out byte header, out ReadOnlySequence<byte> body))
                {
                    Dispatch(sink, header, body);
                }
                sink.OnRoom();
                if (pause)
                {
                    // Nothing examined: what is left must be offered again without new bytes.
                    input.AdvanceTo(buffer.Start);
                    await PauseAsync(sink);
                    continue;
                }
                input.AdvanceTo(IsDeaf ? read.Buffer.End : buffer.Start, read.Buffer.End);
                if (read.IsCompleted)
                {
                    End(new ConnectionEnd(MqttDisconnectCause.BrokerClosed, "the broker closed the link"));
                    return;
                }
            }
        }
        catch (MqttProtocolException exception)
        {
            End(new ConnectionEnd(MqttDisconnectCause.ProtocolError, exception.Message, exception.ReasonCode, exception, exception.ReasonCode));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            End(new ConnectionEnd(MqttDisconnectCause.ConnectionLost, exception.Message, null, exception));
        }
    }

    private bool MustPause(IConnectionSink sink) => sink.IsCongested && !_ended.Task.IsCompleted;

    private async Task PauseAsync(IConnectionSink sink)
    {
        _paused = true;
        using (CancellationTokenSource over = new())
        {
            await Task.WhenAny(sink.WaitForRoomAsync(options.PingTimeout, time, over.Token), _ended.Task);
            await over.CancelAsync();
        }
        Volatile.Write(ref _lastReceived, time.GetTimestamp());
        _paused = false;
    }

    /// <summary>After a fault, packets mean nothing any more. After a request to end, acknowledgements still do.</summary>
    private bool IsDeaf => _ended.Task is { IsCompletedSuccessfully: true, Result.Cause: not MqttDisconnectCause.Requested };

    private void Dispatch(IConnectionSink sink, byte header, in ReadOnlySequence<byte> body)
    {
        if (body.IsSingleSegment)
        {
            Dispatch(sink, header, body.FirstSpan);
            return;
        }
        int length = (int)body.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            body.CopyTo(rented);
            Dispatch(sink, header, rented.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private void Dispatch(IConnectionSink sink, byte header, ReadOnlySpan<byte> body)
    {
        PacketDecoder.RequireFlags(header);
        PacketType type = PacketDecoder.Type(header);
        switch (type)
        {
            case PacketType.PubAck:
                sink.OnPubAck(this, PacketDecoder.PubAck(body));
                break;
            case PacketType.Publish:
                PublishPacket publish = PacketDecoder.Publish(header, body);
                if (!_ended.Task.IsCompleted)
                {
                    sink.OnPublish(this, publish);
                }
                break;
            case PacketType.SubAck or PacketType.UnsubAck:
                sink.OnFilterAck(this, PacketDecoder.FilterAck(body, type));
                break;
            case PacketType.PingResp:
                new PacketReader(body).RequireEnd("PINGRESP");
                break;
            case PacketType.Disconnect:
                DisconnectPacket disconnect = PacketDecoder.Disconnect(body);
                bool takenOver = disconnect.ReasonCode == MqttReasonCode.SessionTakenOver;
                End(new ConnectionEnd(
                    takenOver ? MqttDisconnectCause.SessionTakenOver : MqttDisconnectCause.BrokerDisconnected,
                    takenOver
                        ? $"another client connected to the broker as '{options.ClientId}'"
                        : $"the broker disconnected: {disconnect.ReasonString ?? disconnect.ReasonCode.ToString()}",
                    disconnect.ReasonCode));
                break;
            default:
                throw new MqttProtocolException(MqttReasonCode.ProtocolError, $"the broker sent {type}");
        }
    }

    private async Task SendAsync(IConnectionSink sink)
    {
        try
        {
            while (true)
            {
                ReadResult read = await _output.Reader.ReadAsync(_abort.Token);
                foreach (ReadOnlyMemory<byte> piece in read.Buffer)
                {
                    await stream.WriteAsync(piece, _abort.Token);
                }
                long length = read.Buffer.Length;
                _output.Reader.AdvanceTo(read.Buffer.End);
                Volatile.Write(ref _lastSent, time.GetTimestamp());
                long left = Interlocked.Add(ref _unsent, -length);
                if (left < BacklogLimit && left + length >= BacklogLimit)
                {
                    sink.OnRoom();
                }
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            End(new ConnectionEnd(MqttDisconnectCause.ConnectionLost, exception.Message, null, exception));
        }
        finally
        {
            await _output.Reader.CompleteAsync();
        }
    }

    /// <summary>
    /// Pings a link on which either direction has been silent for the keep-alive time, and ends it when nothing at all comes back.
    /// Looking at both directions finds a dead peer even while publishes keep the sending side busy.
    /// </summary>
    private async Task WatchAsync()
    {
        TimeSpan keepAlive = ConnAck.Properties.ServerKeepAliveSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : options.KeepAlive;
        if (keepAlive == TimeSpan.Zero)
        {
            return;
        }
        try
        {
            while (true)
            {
                TimeSpan idle = time.GetElapsedTime(Math.Min(Volatile.Read(ref _lastSent), Volatile.Read(ref _lastReceived)));
                if (idle < keepAlive)
                {
                    // A delay below a millisecond is none at all.
                    await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling((keepAlive - idle).TotalMilliseconds))), time, _abort.Token);
                    continue;
                }
                long pinged = time.GetTimestamp();
                lock (gate)
                {
                    if (!_outputOpen)
                    {
                        return;
                    }
                    Wrote(PacketEncoder.PingReq(Output));
                    Flush();
                }
                await Task.Delay(options.PingTimeout, time, _abort.Token);
                if (!_paused && Volatile.Read(ref _lastReceived) < pinged)
                {
                    End(new ConnectionEnd(MqttDisconnectCause.PingTimeout, $"nothing came back within {options.PingTimeout} of a ping", MqttReasonCode.KeepAliveTimeout));
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The link has ended; there is nothing left to watch.
        }
    }
}

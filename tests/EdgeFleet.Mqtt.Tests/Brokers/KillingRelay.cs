using System.Net;
using System.Net.Sockets;
using EdgeFleet.Testing.Brokers;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>Where the broker is killed: at the n-th packet that goes that way, before it has passed or after.</summary>
public enum KillSide
{
    BeforeToBroker,
    AfterToBroker,
    BeforeToClient,
    AfterToClient,
}

/// <summary>
/// A relay in front of a broker that counts packets and kills the broker, once, at a given one; then starts it again. What the
/// broker has not been given by then it never gets, and neither does the client.
/// </summary>
internal sealed class KillingRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _relays = [];
    private readonly MosquittoBroker _broker;
    private readonly KillSide _side;
    private readonly Task _accepting;
    private int _packetsUntilKill;
    private Task _killed = Task.CompletedTask;

    public KillingRelay(MosquittoBroker broker, KillSide side, int packet)
    {
        (_broker, _side, _packetsUntilKill) = (broker, side, packet);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>False where there were not so many packets.</summary>
    public bool HasKilled => Volatile.Read(ref _packetsUntilKill) <= 0;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CutAll();
        await _accepting;
        await Task.WhenAll(_relays);
        await _killed;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_stop.Token);
                Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                try
                {
                    await far.ConnectAsync(_broker.Host, _broker.Port, _stop.Token);
                }
                catch (SocketException)
                {
                    // The broker is down; the client tries again.
                    near.Dispose();
                    continue;
                }
                lock (_gate)
                {
                    _sockets.Add(near);
                    _sockets.Add(far);
                    _relays.Add(RelayAsync(near, far, KillSide.BeforeToBroker, KillSide.AfterToBroker));
                    _relays.Add(RelayAsync(far, near, KillSide.BeforeToClient, KillSide.AfterToClient));
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task RelayAsync(Socket from, Socket to, KillSide before, KillSide after)
    {
        try
        {
            using NetworkStream source = new(from);
            while (await ReadPacketAsync(source) is { } packet)
            {
                bool kill = (_side == before || _side == after) && Interlocked.Decrement(ref _packetsUntilKill) == 0;
                if (!kill || _side == after)
                {
                    await to.SendAsync(packet);
                }
                if (kill)
                {
                    _killed = KillAsync();
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
        {
            // Cut.
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }

    private async Task KillAsync()
    {
        await _broker.KillAsync();
        CutAll();
        await _broker.StartAgainAsync();
    }

    private void CutAll()
    {
        lock (_gate)
        {
            _sockets.ForEach(socket => socket.Dispose());
            _sockets.Clear();
        }
    }

    private static async Task<byte[]?> ReadPacketAsync(NetworkStream source)
    {
        List<byte> head = [];
        byte[] one = new byte[1];
        do
        {
            if (await source.ReadAsync(one) == 0)
            {
                return null;
            }
            head.Add(one[0]);
        }
        while (head.Count == 1 || head[^1] >= 0x80);
        int length = head.Skip(1).Select((value, place) => (value & 0x7F) << (7 * place)).Sum();
        byte[] packet = new byte[head.Count + length];
        head.CopyTo(packet);
        await source.ReadExactlyAsync(packet.AsMemory(head.Count));
        return packet;
    }
}

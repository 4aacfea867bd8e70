using System.Net;
using System.Net.Sockets;

namespace EdgeFleet.Mqtt.Tests.Brokers;

/// <summary>
/// A relay in front of a broker that can cut its links with a reset, as the kernel does for a killed process.
/// </summary>
internal sealed class LinkCutter : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private readonly List<Task> _relays = [];
    private Task _accepting = Task.CompletedTask;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public static Task<LinkCutter> StartAsync(string host, int port)
    {
        LinkCutter cutter = new();
        cutter._listener.Start();
        cutter._accepting = cutter.AcceptAsync(host, port);
        return Task.FromResult(cutter);
    }

    public void CutAll()
    {
        lock (_sockets)
        {
            foreach (Socket socket in _sockets)
            {
                // A linger of zero turns the close into a reset.
                socket.LingerState = new LingerOption(true, 0);
                socket.Dispose();
            }
            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CutAll();
        await _accepting;
        await Task.WhenAll(_relays);
        _stop.Dispose();
    }

    private async Task AcceptAsync(string host, int port)
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync(_stop.Token);
                Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                await far.ConnectAsync(host, port, _stop.Token);
                lock (_sockets)
                {
                    _sockets.Add(near);
                    _sockets.Add(far);
                }
                _relays.Add(RelayAsync(near, far));
                _relays.Add(RelayAsync(far, near));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private static async Task RelayAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and int count)
            {
                await to.SendAsync(buffer.AsMemory(0, count));
            }
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}

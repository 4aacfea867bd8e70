using System.Net;
using System.Net.Sockets;
using EdgeFleet.Probing;
using Grpc.Core;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>A peer that is gone without closing its connection: power cut, cable pulled, process stopped.</summary>
public sealed class SilentPeerTests
{
    [Fact]
    public async Task The_client_notices_a_server_that_no_longer_answers_pings()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        await using Relay relay = new(server.Address.Port);
        using SocketsHttpHandler handler = new() { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1) };
        using GrpcChannel channel = GrpcChannel.ForAddress(relay.Address, new GrpcChannelOptions { HttpHandler = handler });
        using var call = new Probe.ProbeClient(channel).Chat();
        await call.RequestStream.WriteAsync(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());

        relay.Freeze();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Message()).OrFail());
    }

    [Fact]
    public async Task The_server_notices_a_client_that_no_longer_answers_pings()
    {
        await using ProbeServer server = await ProbeServer.StartAsync(kestrel: options =>
        {
            options.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(1);
            options.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(1);
        });
        await using Relay relay = new(server.Address.Port);
        using GrpcChannel channel = GrpcChannel.ForAddress(relay.Address);
        using var call = new Probe.ProbeClient(channel).Count(new Message { Number = 1, Wish = new Wish { Hang = true } });
        Assert.True(await call.ResponseStream.MoveNext().OrFail());

        relay.Freeze();

        await server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task A_server_that_closes_its_connection_ends_calls_as_Unavailable()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        Relay relay = new(server.Address.Port);
        using GrpcChannel channel = GrpcChannel.ForAddress(relay.Address);
        using var call = new Probe.ProbeClient(channel).Chat();
        await call.RequestStream.WriteAsync(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());

        await relay.DisposeAsync();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        RpcException next = await Assert.ThrowsAsync<RpcException>(() => new Probe.ProbeClient(channel).EchoAsync(new Message()).ResponseAsync.OrFail());
        Assert.Equal(StatusCode.Unavailable, next.StatusCode);
    }

    [Fact]
    public async Task A_server_that_shuts_down_ends_calls_as_Unavailable()
    {
        ProbeServer server = await ProbeServer.StartAsync();
        using GrpcChannel channel = server.Open();
        Probe.ProbeClient client = new(channel);
        using var unary = client.EchoAsync(new Message { Wish = new Wish { Deaf = true } });
        using var stream = client.Chat();
        await stream.RequestStream.WriteAsync(new Message());
        Assert.True(await stream.ResponseStream.MoveNext().OrFail());
        await server.State.Deaf.OrFail();

        Task stopped = server.StopAsync();

        RpcException fromUnary = await Assert.ThrowsAsync<RpcException>(() => unary.ResponseAsync.OrFail());
        RpcException fromStream = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext().OrFail());
        server.State.Release();
        await stopped;
        await server.DisposeAsync();
        Assert.Equal(StatusCode.Unavailable, fromUnary.StatusCode);
        Assert.Equal(StatusCode.Unavailable, fromStream.StatusCode);
    }

    /// <summary>Passes bytes between a client and a server until it freezes: then it neither passes nor closes anything.</summary>
    private sealed class Relay : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _frozen = new();
        private readonly List<TcpClient> _connections = [];
        private readonly Task _accepting;

        public Relay(int serverPort)
        {
            _listener.Start();
            Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
            _accepting = AcceptAsync(serverPort);
        }

        public Uri Address { get; }

        public void Freeze() => _frozen.Cancel();

        public async ValueTask DisposeAsync()
        {
            await _frozen.CancelAsync();
            _listener.Dispose();
            await _accepting;
            foreach (TcpClient connection in _connections)
            {
                connection.Dispose();
            }

            _frozen.Dispose();
        }

        private async Task AcceptAsync(int serverPort)
        {
            List<Task> copying = [];
            try
            {
                while (true)
                {
                    TcpClient client = await _listener.AcceptTcpClientAsync(_frozen.Token);
                    TcpClient server = new();
                    _connections.AddRange([client, server]);
                    await server.ConnectAsync(IPAddress.Loopback, serverPort);
                    copying.Add(CopyAsync(client.GetStream(), server.GetStream()));
                    copying.Add(CopyAsync(server.GetStream(), client.GetStream()));
                }
            }
            catch (OperationCanceledException)
            {
                // Frozen: no more connections either.
            }

            await Task.WhenAll(copying);
        }

        private async Task CopyAsync(NetworkStream from, NetworkStream to)
        {
            try
            {
                await from.CopyToAsync(to, _frozen.Token);
            }
            catch (Exception ex) when (ex is OperationCanceledException or IOException)
            {
                // Frozen, or one side has closed.
            }
        }
    }
}

using System.Net;
using System.Net.Sockets;
using EdgeFleet.Probing;
using EdgeFleet.Testing;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>A channel outlives its connections.</summary>
public sealed class ConnectionTests : ProbeTest
{
    [Fact]
    public async Task A_stream_goes_on_after_the_servers_goodbye_and_the_next_call_takes_a_new_connection()
    {
        using var chat = Client.Chat();
        await AskAsync(chat, 1);
        string before = await PeerAsync();

        await Client.EchoAsync(new Message { Wish = new Wish { Goodbye = true } }).ResponseAsync.OrFail();

        Assert.NotEqual(before, await PeerAsync());
        await AskAsync(chat, 2);
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.OK, chat.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_cut_connection_ends_its_calls_as_Unavailable_and_the_next_call_takes_a_new_one()
    {
        using var chat = Client.Chat();
        await AskAsync(chat, 1);

        RpcException cut = await Assert.ThrowsAsync<RpcException>(() => Client.EchoAsync(new Message { Wish = new Wish { Cut = true } }).ResponseAsync.OrFail());
        RpcException stream = await Assert.ThrowsAsync<RpcException>(() => chat.ResponseStream.MoveNext().OrFail());
        Message next = await Client.EchoAsync(new Message { Number = 8 }).ResponseAsync.OrFail();

        Assert.Equal((StatusCode.Unavailable, StatusCode.Unavailable, 8), (cut.StatusCode, stream.StatusCode, next.Number));
    }

    [Fact]
    public async Task The_same_channel_reaches_a_server_that_comes_back_on_its_port()
    {
        int port = LoopbackPort.FindFree();
        ProbeServer first = await ProbeServer.StartAsync(port: port);
        using GrpcChannel channel = first.Open();
        Probe.ProbeClient client = new(channel);
        await client.EchoAsync(new Message()).ResponseAsync.OrFail();
        await first.DisposeAsync();
        RpcException away = await Assert.ThrowsAsync<RpcException>(() => client.EchoAsync(new Message()).ResponseAsync.OrFail());

        await using ProbeServer second = await ProbeServer.StartAsync(port: port);

        Assert.Equal(StatusCode.Unavailable, away.StatusCode);
        Assert.Equal(5, (await client.EchoAsync(new Message { Number = 5 }).ResponseAsync.OrFail()).Number);
    }

    /// <summary>Goodbye with a last stream of 0: none of the calls on the connection was begun, so each is tried again, but not for ever.</summary>
    [Fact]
    public async Task A_server_that_says_goodbye_to_every_call_is_Unavailable()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using CancellationTokenSource stop = new();
        int connections = 0;
        Task serving = ServeAsync();
        using GrpcChannel channel = GrpcChannel.ForAddress($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => new Probe.ProbeClient(channel).EchoAsync(new Message()).ResponseAsync.OrFail());

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving.OrFail());
        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        Assert.InRange(connections, 1, 10);

        async Task ServeAsync()
        {
            while (true)
            {
                using TcpClient caller = await listener.AcceptTcpClientAsync(stop.Token);
                connections++;
                NetworkStream stream = caller.GetStream();
                byte[] some = new byte[16 * 1024];
                try
                {
                    await stream.WriteAsync(RawHttp2Client.Frame(RawHttp2Client.Settings, 0, 0, []), stop.Token);
                    await stream.ReadAtLeastAsync(some, 24, throwOnEndOfStream: false, stop.Token);
                    await stream.WriteAsync(RawHttp2Client.Frame(RawHttp2Client.Goodbye, 0, 0, new byte[8]), stop.Token);
                    // Until the caller has seen it and leaves.
                    while (await stream.ReadAsync(some, stop.Token) > 0)
                    {
                    }
                }
                catch (IOException)
                {
                    // It left with a reset.
                }
            }
        }
    }

    [Fact]
    public async Task A_channel_may_go_through_a_socket_file()
    {
        using TemporaryFolder folder = new();
        string path = folder["probe.socket"];
        await using ProbeServer server = await ProbeServer.StartAsync(
            kestrel: options => options.ListenUnixSocket(path, listener => listener.Protocols = HttpProtocols.Http2));
        using SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, token) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });

        Message answer = await new Probe.ProbeClient(channel).EchoAsync(new Message { Number = 6 }).ResponseAsync.OrFail();

        Assert.Equal((6, "unix:"), (answer.Number, server.State.LastPeer));
    }

    [Fact]
    public async Task A_socket_file_that_is_not_there_is_Unavailable()
    {
        using SocketsHttpHandler handler = new()
        {
            ConnectCallback = async (_, token) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint("/nowhere/probe.socket"), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using GrpcChannel channel = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => new Probe.ProbeClient(channel).EchoAsync(new Message()).ResponseAsync.OrFail());

        Assert.Equal(StatusCode.Unavailable, thrown.StatusCode);
        Assert.StartsWith("localhost: ", thrown.Status.Detail, StringComparison.Ordinal);
    }

    /// <summary>Which connection a call takes now, as the server sees it.</summary>
    private async Task<string> PeerAsync()
    {
        await Client.EchoAsync(new Message()).ResponseAsync.OrFail();
        return Server.State.LastPeer!;
    }

    private static async Task AskAsync(AsyncDuplexStreamingCall<Message, Message> chat, long number)
    {
        await chat.RequestStream.WriteAsync(new Message { Number = number }).OrFail();
        Assert.True(await chat.ResponseStream.MoveNext().OrFail());
        Assert.Equal(number, chat.ResponseStream.Current.Number);
    }
}

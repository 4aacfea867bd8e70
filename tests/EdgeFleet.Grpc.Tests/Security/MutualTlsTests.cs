using System.Security.Cryptography.X509Certificates;
using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Security;

public sealed class MutualTlsTests : IAsyncLifetime
{
    private readonly TestCertificates _ours = new("our authority");
    private readonly TestCertificates _foreign = new("another authority");
    private ProbeServer _server = null!;

    public async Task InitializeAsync() => _server = await ProbeServer.StartAsync(listen: listener => listener.Require(_ours));

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _ours.Dispose();
        _foreign.Dispose();
    }

    [Fact]
    public async Task Calls_pass_and_the_service_reaches_the_client_certificate()
    {
        using GrpcChannel channel = Open(_ours, _ours.Client);
        Probe.ProbeClient client = new(channel);
        Marshaller<Message> marshaller = Marshallers.Create(message => message.ToByteArray(), Message.Parser.ParseFrom);
        Method<Message, Message> whoAmI = new(MethodType.Unary, "edgefleet.probe.Inline", "WhoAmI", marshaller, marshaller);
        await using ProbeServer server = await ProbeServer.StartAsync(
            listen: listener => listener.Require(_ours),
            map: app => Microsoft.AspNetCore.Builder.GrpcEndpointRouteBuilderExtensions.MapGrpcService(app, ServerServiceDefinition.CreateBuilder()
                .AddMethod(whoAmI, async (Message _, ServerCallContext context) =>
                {
                    X509Certificate2? certificate = await context.GetHttpContext().Connection.GetClientCertificateAsync(context.CancellationToken);
                    return new Message { Text = certificate?.GetNameInfo(X509NameType.SimpleName, false) ?? "nobody" };
                })
                .Build()));
        using GrpcChannel toServer = GrpcChannel.ForAddress(server.Address, new GrpcChannelOptions { HttpHandler = MutualTls.Handler(_ours, _ours.Client), DisposeHttpClient = true });

        Assert.Equal("device-7", (await toServer.CreateCallInvoker().AsyncUnaryCall(whoAmI, null, default, new Message())).Text);
        Assert.Equal(2, (await client.EchoAsync(new Message { Number = 2 })).Number);
        using var chat = client.Chat();
        await chat.RequestStream.WriteAsync(new Message { Number = 3 });
        Assert.True(await chat.ResponseStream.MoveNext().OrFail());
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_Unavailable_and_told_what_may_be_missing() =>
        await AssertRefusedAsync(_ours, null, "client certificate");

    [Fact]
    public async Task A_client_with_a_certificate_of_another_authority_is_Unavailable_and_told_what_may_be_wrong() =>
        await AssertRefusedAsync(_ours, _foreign.Client, "client certificate");

    [Fact]
    public async Task A_server_with_a_certificate_of_another_authority_is_Unavailable_with_the_reason() =>
        await AssertRefusedAsync(_foreign, _foreign.Client, "certificate");

    [Fact]
    public async Task A_server_whose_certificate_names_another_host_is_Unavailable_with_the_reason()
    {
        // The same socket by a name that its certificate does not hold.
        using SocketsHttpHandler handler = MutualTls.Handler(_ours, _ours.Client);
        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            System.Net.Sockets.Socket socket = new(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
            await socket.ConnectAsync(System.Net.IPAddress.Loopback, _server.Address.Port, cancellationToken);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        };
        using GrpcChannel channel = GrpcChannel.ForAddress("https://elsewhere.example", new GrpcChannelOptions { HttpHandler = handler });
        await AssertRefusedAsync(channel, "certificate");
    }

    [Fact]
    public async Task A_client_that_speaks_no_TLS_is_Unavailable()
    {
        using GrpcChannel channel = GrpcChannel.ForAddress(new UriBuilder(_server.Address) { Scheme = "http" }.Uri);
        await AssertRefusedAsync(channel, _server.Address.Authority);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_Unavailable_with_the_reason()
    {
        using GrpcChannel channel = GrpcChannel.ForAddress("https://127.0.0.1:1");
        await AssertRefusedAsync(channel, "Connection refused");
    }

    private GrpcChannel Open(TestCertificates trusted, X509Certificate2? own) => GrpcChannel.ForAddress(
        _server.Address, new GrpcChannelOptions { HttpHandler = MutualTls.Handler(trusted, own), DisposeHttpClient = true });

    private async Task AssertRefusedAsync(TestCertificates trusted, X509Certificate2? own, string reason)
    {
        using GrpcChannel channel = Open(trusted, own);
        await AssertRefusedAsync(channel, reason);
    }

    private static async Task AssertRefusedAsync(GrpcChannel channel, string reason)
    {
        Probe.ProbeClient client = new(channel);
        RpcException unary = await Assert.ThrowsAsync<RpcException>(() => client.EchoAsync(new Message()).ResponseAsync.OrFail());
        Assert.Equal(StatusCode.Unavailable, unary.StatusCode);
        Assert.True(unary.Status.Detail.Contains(reason, StringComparison.OrdinalIgnoreCase), $"'{reason}' is not in '{unary.Status.Detail}', which stands for {unary.Status.DebugException}");

        using var chat = client.Chat();
        RpcException write = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            // The first write may still reach a buffer of the connection that fails.
            for (int i = 0; i < 100; i++)
            {
                await chat.RequestStream.WriteAsync(new Message { Payload = ByteString.CopyFrom(new byte[100_000]) }).OrFail();
            }
        });
        RpcException read = await Assert.ThrowsAsync<RpcException>(() => chat.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.Unavailable, read.StatusCode);
        Assert.Equal(StatusCode.Unavailable, write.StatusCode);
    }
}

using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace EdgeFleet.Grpc.Tests.Server;

/// <summary>A method that reads its message where it lies, found without routing.</summary>
public sealed class GrpcDispatcherTests : IAsyncLifetime
{
    private const string Service = "in.Place";
    private static readonly Marshaller<byte[]> s_bytes = Marshallers.Create(bytes => bytes, bytes => bytes);
    private ProbeServer _server = null!;
    private int _calls;

    public async Task InitializeAsync()
    {
        GrpcDispatcher dispatcher = new(new GrpcServiceOptions { MaxReceiveMessageSize = 3_000_000 }, TimeProvider.System, NullLoggerFactory.Instance);
        dispatcher.AddUnary(
            $"/{Service}/Echo",
            async (request, context) =>
            {
                Interlocked.Increment(ref _calls);
                await Task.Yield(); // the message has to stay where it is
                return request.ToArray();
            },
            s_bytes);
        _server = await ProbeServer.StartAsync(map: app => app.MapPost($"/{Service}/{{method}}", dispatcher.AnswerAsync));
    }

    [Theory, InlineData(0), InlineData(1), InlineData(5000), InlineData(3_000_000)]
    public async Task A_message_of_any_number_of_pieces_is_one(int length)
    {
        byte[] message = new byte[length];
        new Random(1).NextBytes(message);

        Assert.Equal(message, await AskAsync("Echo", message));
    }

    [Fact]
    public async Task A_message_over_the_limit_is_refused_and_the_connection_stays()
    {
        using GrpcChannel channel = Open();

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync(channel, "Echo", new byte[3_000_001]));

        Assert.Equal((StatusCode.ResourceExhausted, "Received message of 3000001 bytes exceeds the maximum of 3000000."), (refused.StatusCode, refused.Status.Detail));
        Assert.Equal(0, _calls);
        Assert.Equal([7], await AskAsync(channel, "Echo", [7]));
    }

    [Fact]
    public async Task A_method_that_is_not_there_is_unimplemented()
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync("Missing", []));

        Assert.Equal((StatusCode.Unimplemented, "Method '/in.Place/Missing' is not implemented here."), (refused.StatusCode, refused.Status.Detail));
    }

    [Theory]
    [InlineData(new byte[0], "'/in.Place/Echo' takes one message, the request held none.")]
    [InlineData(new byte[] { 0, 0, 0 }, "The request ended inside a message, 3 bytes after its start.")]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 1 }, "The request ended inside a message, 6 bytes after its start.")]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0 }, "'/in.Place/Echo' takes one message, the request held more.")]
    public async Task A_request_that_is_not_exactly_one_message_never_reaches_the_method(byte[] body, string expected)
    {
        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(_server.Address, $"/{Service}/Echo"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };

        using HttpResponseMessage response = await http.SendAsync(request);

        Assert.Equal("13", response.Headers.GetValues("grpc-status").Single());
        Assert.Equal(expected, response.Headers.GetValues("grpc-message").Single());
        Assert.Equal(0, _calls);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    private GrpcChannel Open() => _server.Open(options => options.MaxSendMessageSize = null);

    private async Task<byte[]> AskAsync(string method, byte[] message)
    {
        using GrpcChannel channel = Open();
        return await AskAsync(channel, method, message);
    }

    private static async Task<byte[]> AskAsync(GrpcChannel channel, string method, byte[] message)
    {
        using AsyncUnaryCall<byte[]> call = channel.CreateCallInvoker().AsyncUnaryCall(
            new Method<byte[], byte[]>(MethodType.Unary, Service, method, s_bytes, s_bytes), null, default, message);
        return await call.ResponseAsync.OrFail();
    }
}

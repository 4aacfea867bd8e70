using System.Net;
using EdgeFleet.Probing;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;

namespace EdgeFleet.Grpc.Tests.Calls;

public sealed class DeadlineTests
{
    private static readonly Wish s_deaf = new() { Deaf = true };

    [Fact]
    public async Task The_client_ends_on_time_although_the_service_ignores_its_token()
    {
        ManualTime time = new();
        await using ProbeServer server = await ProbeServer.StartAsync();
        using GrpcChannel channel = server.Open(options => options.Time = time);
        Probe.ProbeClient client = new(channel);
        DateTime deadline = time.GetUtcNow().UtcDateTime.AddHours(1);

        using var unary = client.EchoAsync(new Message { Wish = s_deaf }, deadline: deadline);
        using var stream = client.Count(new Message { Number = 1, Wish = s_deaf }, deadline: deadline);
        Assert.True(await stream.ResponseStream.MoveNext());
        await server.State.Deaf.OrFail();

        time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(unary.ResponseAsync.IsCompleted);

        time.Advance(TimeSpan.FromMinutes(1));
        RpcException fromUnary = await Assert.ThrowsAsync<RpcException>(() => unary.ResponseAsync.OrFail());
        RpcException fromStream = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.DeadlineExceeded, fromUnary.StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, fromStream.StatusCode);
        Assert.Equal(StatusCode.DeadlineExceeded, unary.GetStatus().StatusCode);
    }

    [Fact]
    public async Task The_server_ends_on_time_although_the_service_ignores_its_token()
    {
        ManualTime time = new();
        await using ProbeServer server = await ProbeServer.StartAsync(services: services => services.AddSingleton<TimeProvider>(time));
        using HttpMessageInvoker http = new(new SocketsHttpHandler());

        Task<HttpResponseMessage> unary = PostAsync(http, server, "Echo", new Message { Wish = s_deaf }, "10S");
        await server.State.Deaf.OrFail();
        time.Advance(TimeSpan.FromSeconds(10));

        using HttpResponseMessage response = await unary.OrFail();
        Assert.Equal("4", response.Headers.GetValues("grpc-status").Single());
        Assert.False(server.State.Released.IsCompleted);
    }

    [Fact]
    public async Task The_server_sends_the_messages_before_the_deadline_and_then_the_status()
    {
        ManualTime time = new();
        await using ProbeServer server = await ProbeServer.StartAsync(services: services => services.AddSingleton<TimeProvider>(time));
        using HttpMessageInvoker http = new(new SocketsHttpHandler());

        using HttpResponseMessage response = await PostAsync(http, server, "Count", new Message { Number = 2, Wish = s_deaf }, "10S").OrFail();
        await server.State.Deaf.OrFail();
        time.Advance(TimeSpan.FromSeconds(10));

        byte[] body = await response.Content.ReadAsByteArrayAsync().OrFail();
        Assert.Equal([.. RawServer.Frame(new Message()), .. RawServer.Frame(new Message { Number = 1 })], body);
        Assert.Equal("4", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_service_that_is_stuck_writing_to_a_caller_who_does_not_read_is_cut_at_the_deadline()
    {
        ManualTime time = new();
        await using ProbeServer server = await ProbeServer.StartAsync(services: services => services.AddSingleton<TimeProvider>(time));
        using HttpMessageInvoker http = new(new SocketsHttpHandler());

        using HttpResponseMessage response = await PostAsync(
            http, server, "Count", new Message { Number = 1_000_000, Wish = new Wish { ReplyBytes = 100_000 } }, "10S").OrFail();
        time.Advance(TimeSpan.FromSeconds(10));

        await server.State.CancellationsAsync(1).OrFail();
        await Assert.ThrowsAnyAsync<Exception>(async () => await response.Content.CopyToAsync(Stream.Null).OrFail());
    }

    [Fact]
    public async Task The_service_sees_the_deadline_that_its_caller_set()
    {
        ManualTime time = new();
        await using ProbeServer server = await ProbeServer.StartAsync(services: services => services.AddSingleton<TimeProvider>(time));
        using GrpcChannel channel = server.Open(options => options.Time = time);
        Probe.ProbeClient client = new(channel);
        DateTime deadline = time.GetUtcNow().UtcDateTime.AddMilliseconds(123_456);

        await client.EchoAsync(new Message(), deadline: deadline);
        Assert.Equal(deadline, server.State.LastContext!.Deadline);

        await client.EchoAsync(new Message());
        Assert.Equal(DateTime.MaxValue, server.State.LastContext!.Deadline);

        await client.EchoAsync(new Message(), deadline: DateTime.MaxValue);
        Assert.Equal(DateTime.MaxValue, server.State.LastContext!.Deadline);
    }

    [Fact]
    public async Task A_deadline_centuries_away_is_neither_an_error_nor_the_present()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using GrpcChannel channel = server.Open();
        DateTime far = new(9998, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Assert.Equal(1, (await new Probe.ProbeClient(channel).EchoAsync(new Message { Number = 1 }, deadline: far)).Number);

        using HttpMessageInvoker http = new(new SocketsHttpHandler());
        using HttpResponseMessage response = await PostAsync(http, server, "Echo", new Message { Number = 1 }, "99999999H").OrFail();
        await response.Content.ReadAsByteArrayAsync().OrFail();
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_deadline_that_has_passed_is_answered_without_asking_the_server()
    {
        // Nothing listens there: a call that went out would be Unavailable.
        using GrpcChannel channel = GrpcChannel.ForAddress("http://127.0.0.1:1");
        Probe.ProbeClient client = new(channel);

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Message(), deadline: DateTime.UnixEpoch));
        Assert.Equal(StatusCode.DeadlineExceeded, thrown.StatusCode);
        using var chat = client.Chat(deadline: DateTime.UnixEpoch);
        RpcException fromWrite = await Assert.ThrowsAsync<RpcException>(() => chat.RequestStream.WriteAsync(new Message()).OrFail());
        Assert.Equal(StatusCode.DeadlineExceeded, fromWrite.StatusCode);
    }

    [Fact]
    public async Task A_deadline_in_local_time_is_refused()
    {
        using GrpcChannel channel = GrpcChannel.ForAddress("http://127.0.0.1:1");
        Probe.ProbeClient client = new(channel);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.EchoAsync(new Message(), deadline: new DateTime(2100, 1, 1)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("-1S")]
    [InlineData("1 S")]
    [InlineData("10")]
    [InlineData("123456789S")]
    public async Task A_timeout_that_is_none_ends_the_call(string timeout)
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using HttpMessageInvoker http = new(new SocketsHttpHandler());
        using HttpResponseMessage response = await PostAsync(http, server, "Echo", new Message(), timeout).OrFail();
        Assert.Equal("13", response.Headers.GetValues("grpc-status").Single());
    }

    private static Task<HttpResponseMessage> PostAsync(HttpMessageInvoker http, ProbeServer server, string method, Message message, string timeout)
    {
        HttpRequestMessage request = new(HttpMethod.Post, new Uri(server.Address, $"/edgefleet.probe.Probe/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(RawServer.Frame(message)),
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        request.Headers.TryAddWithoutValidation("grpc-timeout", timeout);
        return http.SendAsync(request, CancellationToken.None);
    }
}

using System.Net;
using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>Our server as a plain HTTP/2 client sees it.</summary>
public sealed class WireFormTests : ProbeTest
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler());

    [Fact]
    public async Task An_answer_is_headers_then_a_message_then_trailers()
    {
        using HttpResponseMessage response = await PostAsync("Echo", RawServer.Frame(new Message { Number = 2 }));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/grpc", response.Content.Headers.ContentType!.ToString());
        Assert.False(response.Headers.Contains("grpc-status"));
        Assert.Equal(RawServer.Frame(new Message { Number = 2 }), await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.False(response.TrailingHeaders.Contains("grpc-message"));
    }

    [Fact]
    public async Task A_failure_without_a_message_is_one_block_of_headers()
    {
        using HttpResponseMessage response = await PostAsync("Echo", RawServer.Frame(new Message { Wish = new Wish { Status = 5, Detail = "no\n'ü'" } }));
        Assert.Equal("5", response.Headers.GetValues("grpc-status").Single());
        Assert.Equal("no%0A'%C3%BC'", response.Headers.GetValues("grpc-message").Single());
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Empty(response.TrailingHeaders);
    }

    [Fact]
    public async Task A_failure_after_the_headers_is_in_the_trailers()
    {
        using HttpResponseMessage response = await PostAsync(
            "Echo", RawServer.Frame(new Message { Wish = new Wish { Status = 5 } }), ("x-key", "value"));
        Assert.Equal("value", response.Headers.GetValues("x-key").Single());
        Assert.False(response.Headers.Contains("grpc-status"));
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        Assert.Equal("5", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task A_compressed_request_is_unimplemented_by_header_and_by_flag()
    {
        using HttpResponseMessage byHeader = await PostAsync("Echo", RawServer.Frame(new Message()), ("grpc-encoding", "gzip"));
        Assert.Equal("12", byHeader.Headers.GetValues("grpc-status").Single());
        Assert.Equal("identity", byHeader.Headers.GetValues("grpc-accept-encoding").Single());

        using HttpResponseMessage byFlag = await PostAsync("Echo", RawServer.Frame(new Message(), flag: 1));
        Assert.Equal("12", byFlag.Headers.GetValues("grpc-status").Single());

        using HttpResponseMessage identity = await PostAsync("Echo", RawServer.Frame(new Message()), ("grpc-encoding", "identity"));
        await identity.Content.ReadAsByteArrayAsync();
        Assert.Equal("0", identity.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task Requests_that_are_not_one_whole_readable_message_are_internal_errors()
    {
        byte[] whole = RawServer.Frame(new Message { Text = "hello" });
        byte[][] bodies = [[], whole[..4], whole[..^1], [.. whole, .. whole], [.. whole, 0], [0, 0, 0, 0, 1, 0xFF], [9, .. whole[1..]]];
        foreach (byte[] body in bodies)
        {
            using HttpResponseMessage response = await PostAsync("Echo", body);
            Assert.Equal("13", response.Headers.GetValues("grpc-status").Single());
        }
    }

    [Theory]
    [InlineData(new byte[] { 0, 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0, 0x7F, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0, 0, 0x40, 0, 1 })] // one byte above 4 MiB
    public async Task A_message_that_announces_more_than_the_cap_is_refused_on_its_header(byte[] header)
    {
        using HttpResponseMessage response = await PostAsync("Echo", [.. header, 1, 2, 3]);
        Assert.Equal("8", response.Headers.GetValues("grpc-status").Single());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    public async Task Nothing_but_POST_reaches_a_method(string verb)
    {
        using HttpRequestMessage request = new(new HttpMethod(verb), new Uri(Server.Address, "/edgefleet.probe.Probe/Echo"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await _http.SendAsync(request, CancellationToken.None).OrFail();
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    [Fact]
    public async Task A_caller_that_speaks_HTTP_1_is_told_which_protocol_it_takes()
    {
        await using ProbeServer server = await ProbeServer.StartAsync(listen: listener => listener.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        using HttpRequestMessage request = new(HttpMethod.Post, new Uri(server.Address, "/edgefleet.probe.Probe/Echo")) { Content = new ByteArrayContent([]) };
        request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        using HttpResponseMessage response = await _http.SendAsync(request, CancellationToken.None).OrFail();
        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
        Assert.Equal("HTTP/2", response.Headers.Upgrade.ToString());
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/grpc-web", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/grpc+proto", HttpStatusCode.OK)]
    [InlineData("application/grpc;x=y", HttpStatusCode.OK)]
    public async Task Only_gRPC_content_types_reach_a_service(string contentType, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await PostAsync("Echo", RawServer.Frame(new Message()), ("content-type", contentType));
        Assert.Equal(expected, response.StatusCode);
    }

    [Fact]
    public async Task Other_requests_to_paths_that_look_like_methods_reach_the_host()
    {
        using HttpResponseMessage post = await PostAsync("../api/v1", [], ("content-type", "application/json"));
        Assert.Equal("from the host", await post.Content.ReadAsStringAsync());
        using HttpResponseMessage unknown = await PostAsync("../other/path", [], ("content-type", "application/json"));
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task The_context_shows_the_call_as_it_came()
    {
        Marshaller<Message> marshaller = Marshallers.Create(message => message.ToByteArray(), Message.Parser.ParseFrom);
        Method<Message, Message> look = new(MethodType.Unary, "edgefleet.probe.Inline", "Look", marshaller, marshaller);
        await using ProbeServer server = await ProbeServer.StartAsync(map: app => app.MapGrpcService(ServerServiceDefinition.CreateBuilder()
            .AddMethod(look, (request, context) =>
            {
                Assert.Equal("/edgefleet.probe.Inline/Look", context.Method);
                Assert.Equal(context.GetHttpContext().Request.Host.Value, context.Host);
                Assert.Matches("^ipv4:127\\.0\\.0\\.1:[0-9]+$", context.Peer);
                Assert.Equal("1, 2", string.Join(", ", context.RequestHeaders.GetAll("x-many").Select(entry => entry.Value)));
                Assert.Equal(["0102", "03"], context.RequestHeaders.GetAll("x-raw-bin").Select(entry => Convert.ToHexString(entry.ValueBytes)));
                Assert.StartsWith("grpc-csharp-edgefleet/", context.RequestHeaders.GetValue("user-agent"), StringComparison.Ordinal);
                Assert.Null(context.RequestHeaders.Get("content-type"));
                context.UserState["key"] = "value";
                Assert.Equal("value", context.UserState["key"]);
                return Task.FromResult(request);
            })
            .Build()), grpc: options => options.EnableDetailedErrors = true);
        using var channel = server.Open();

        // A failed assertion of the service arrives as its status.
        await channel.CreateCallInvoker().AsyncUnaryCall(
            look, null, new CallOptions(new Metadata { { "x-many", "1" }, { "x-many", "2" }, { "x-raw-bin", [1, 2] }, { "x-raw-bin", [3] } }), new Message());
    }

    private protected override Task<ProbeServer> StartAsync() => ProbeServer.StartAsync(
        map: app => app.MapPost("/api/v1", () => "from the host"),
        kestrel: options => options.Limits.MaxRequestBodySize = null);

    private async Task<HttpResponseMessage> PostAsync(string method, byte[] body, params (string Name, string Value)[] headers)
    {
        HttpRequestMessage request = new(HttpMethod.Post, new Uri(Server.Address, $"/edgefleet.probe.Probe/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        if (headers.All(header => header.Name != "content-type"))
        {
            request.Content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        }

        foreach ((string name, string value) in headers)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value) || request.Content.Headers.TryAddWithoutValidation(name, value));
        }

        return await _http.SendAsync(request, CancellationToken.None).OrFail();
    }
}

using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>Our client and answers that are not as they should be: each becomes a status, none a hang or a wrong value.</summary>
public sealed class StrangeServerTests
{
    public static TheoryData<int, StatusCode> ResetCodes => new()
    {
        { 0, StatusCode.Internal },
        { 1, StatusCode.Internal },
        { 2, StatusCode.Internal },
        { 5, StatusCode.Unknown },
        { 7, StatusCode.Unavailable },
        { 8, StatusCode.Cancelled },
        { 11, StatusCode.ResourceExhausted },
        { 12, StatusCode.PermissionDenied },
        { 13, StatusCode.Unknown },
    };

    [Theory]
    [InlineData(400, StatusCode.Internal)]
    [InlineData(401, StatusCode.Unauthenticated)]
    [InlineData(403, StatusCode.PermissionDenied)]
    [InlineData(404, StatusCode.Unimplemented)]
    [InlineData(429, StatusCode.Unavailable)]
    [InlineData(503, StatusCode.Unavailable)]
    [InlineData(500, StatusCode.Unknown)]
    [InlineData(200, StatusCode.Unknown)]
    public async Task A_web_page_instead_of_an_answer_is_a_status_that_says_so(int httpStatus, StatusCode expected)
    {
        Status status = await StatusOfUnaryAsync(http =>
        {
            http.Response.StatusCode = httpStatus;
            http.Response.ContentType = "text/html";
            return http.Response.WriteAsync("<html>");
        });
        Assert.Equal(expected, status.StatusCode);
        Assert.Contains($"{httpStatus}", status.Detail, StringComparison.Ordinal);
        Assert.Contains("text/html", status.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ResetCodes))]
    public async Task A_stream_reset_before_the_headers_is_mapped_by_its_code(int http2Code, StatusCode expected)
    {
        Status status = await StatusOfUnaryAsync(http =>
        {
            http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(http2Code);
            return Task.CompletedTask;
        });
        Assert.Equal(expected, status.StatusCode);
    }

    [Theory]
    [MemberData(nameof(ResetCodes))]
    public async Task A_stream_reset_between_messages_is_mapped_by_its_code(int http2Code, StatusCode expected)
    {
        TaskCompletionSource firstRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using RawServer server = await RawServer.StartAsync(async http =>
        {
            http.Response.ContentType = "application/grpc";
            await http.Response.Body.WriteAsync(RawServer.Frame(new Message { Number = 1 }));
            await http.Response.Body.FlushAsync();
            await firstRead.Task;
            http.Features.GetRequiredFeature<IHttpResetFeature>().Reset(http2Code);
        });
        using var call = server.Client.Count(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        firstRead.SetResult();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(expected, thrown.StatusCode);
    }

    [Fact]
    public async Task A_message_after_a_status_in_the_headers_is_refused()
    {
        Status status = await StatusOfUnaryAsync(async http =>
        {
            http.Response.ContentType = "application/grpc";
            http.Response.Headers["grpc-status"] = "0";
            await http.Response.Body.WriteAsync(RawServer.Frame(new Message { Number = 1 }));
        });
        Assert.Equal(StatusCode.Internal, status.StatusCode);
    }

    [Fact]
    public async Task An_answer_that_ends_without_a_status_is_Unknown()
    {
        Status status = await StatusOfUnaryAsync(http => AnswerAsync(http, RawServer.Frame(new Message()), grpcStatus: null));
        Assert.Equal(StatusCode.Unknown, status.StatusCode);
    }

    [Theory]
    [InlineData("99")]
    [InlineData("-1")]
    [InlineData("OK")]
    [InlineData("")]
    public async Task A_status_code_that_is_none_is_Unknown(string grpcStatus)
    {
        Status status = await StatusOfUnaryAsync(http => AnswerAsync(http, RawServer.Frame(new Message()), grpcStatus));
        Assert.Equal(StatusCode.Unknown, status.StatusCode);
    }

    [Fact]
    public async Task Bodies_that_are_not_one_whole_readable_message_are_errors()
    {
        byte[] whole = RawServer.Frame(new Message { Text = "hello" });
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, [], "0"))).StatusCode);
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, whole[..3], "0"))).StatusCode);
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, whole[..^1], "0"))).StatusCode);
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, [.. whole, .. whole], "0"))).StatusCode);
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, [0, 0, 0, 0, 1, 0xFF], "0"))).StatusCode);
        Assert.Equal(StatusCode.Internal, (await StatusOfUnaryAsync(http => AnswerAsync(http, [7, .. whole[1..]], "0"))).StatusCode);
        Assert.Equal(StatusCode.Unimplemented, (await StatusOfUnaryAsync(http => AnswerAsync(http, [1, .. whole[1..]], "0"))).StatusCode);
        Assert.Equal(StatusCode.ResourceExhausted, (await StatusOfUnaryAsync(http => AnswerAsync(http, [0, 0xFF, 0xFF, 0xFF, 0xFF], "0"))).StatusCode);
    }

    [Fact]
    public async Task A_stream_that_ends_inside_a_message_is_an_error_although_its_status_is_OK()
    {
        await using RawServer server = await RawServer.StartAsync(http =>
            AnswerAsync(http, [.. RawServer.Frame(new Message { Number = 1 }), .. RawServer.Frame(new Message { Number = 2 })[..^1]], "0"));
        using var call = server.Client.Count(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.Internal, thrown.StatusCode);
    }

    [Fact]
    public async Task Metadata_arrives_in_every_form_that_servers_send_it()
    {
        await using RawServer server = await RawServer.StartAsync(http =>
        {
            http.Response.Headers["x-twice"] = new Microsoft.Extensions.Primitives.StringValues(["a", "b"]);
            http.Response.Headers["x-padded-bin"] = "AQ==";
            http.Response.Headers["x-bare-bin"] = "AQ";
            http.Response.Headers["x-joined-bin"] = "AQ,AgM=, BAUG";
            http.Response.Headers["x-broken-bin"] = "!!";
            http.Response.Headers["x-empty-bin"] = "";
            http.Response.Headers["expires"] = "never";
            return AnswerAsync(http, RawServer.Frame(new Message()), "0");
        });
        using var call = server.Client.EchoAsync(new Message());
        Metadata headers = await call.ResponseHeadersAsync.OrFail();

        Assert.Equal(["a", "b"], headers.GetAll("x-twice").Select(entry => entry.Value));
        Assert.Equal([1], headers.GetValueBytes("x-padded-bin"));
        Assert.Equal([1], headers.GetValueBytes("x-bare-bin"));
        Assert.Equal(["01", "0203", "040506"], headers.GetAll("x-joined-bin").Select(entry => Convert.ToHexString(entry.ValueBytes)));
        Assert.Empty(headers.GetAll("x-broken-bin"));
        Assert.Empty(headers.GetValueBytes("x-empty-bin")!);
        Assert.Equal("never", headers.GetValue("expires"));
        Assert.Null(headers.Get("content-type"));
    }

    [Fact]
    public async Task What_the_request_says_is_what_the_specification_asks_for()
    {
        Dictionary<string, string> seen = [];
        string? protocol = null;
        byte[] body = [];
        await using RawServer server = await RawServer.StartAsync(async http =>
        {
            protocol = $"{http.Request.Protocol} {http.Request.Method} {http.Request.Path}";
            seen = http.Request.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value.ToString());
            using MemoryStream copy = new();
            await http.Request.Body.CopyToAsync(copy);
            body = copy.ToArray();
            await AnswerAsync(http, RawServer.Frame(new Message()), "0");
        });
        await server.Client.EchoAsync(
            new Message { Number = 5 },
            new Metadata { { "X-Text", "some text" }, { "x-raw-bin", [1] }, { "expires", "soon" } });

        Assert.Equal("HTTP/2 POST /edgefleet.probe.Probe/Echo", protocol);
        Assert.Equal("application/grpc", seen["content-type"]);
        Assert.Equal("trailers", seen["te"]);
        Assert.StartsWith("grpc-csharp-edgefleet/", seen["user-agent"], StringComparison.Ordinal);
        Assert.Equal("some text", seen["x-text"]);
        Assert.Equal("AQ", seen["x-raw-bin"]);
        Assert.Equal("soon", seen["expires"]);
        Assert.DoesNotContain("grpc-timeout", seen.Keys);
        Assert.DoesNotContain("grpc-encoding", seen.Keys);
        Assert.Equal(RawServer.Frame(new Message { Number = 5 }), body);
    }

    [Fact]
    public async Task Metadata_that_cannot_travel_is_refused_before_anything_is_sent()
    {
        await using RawServer server = await RawServer.StartAsync(http => AnswerAsync(http, RawServer.Frame(new Message()), "0"));
        Assert.Throws<ArgumentException>(() => { server.Client.EchoAsync(new Message(), new Metadata { { "x-text", "grüß" } }); });
        Assert.Throws<ArgumentException>(() => { server.Client.EchoAsync(new Message(), new Metadata { { "grpc-timeout", "1S" } }); });
        Assert.Throws<ArgumentException>(() => { server.Client.Chat(new Metadata { { "x-text", "a\r\nb" } }); });
    }

    private static async Task AnswerAsync(HttpContext http, byte[] body, string? grpcStatus)
    {
        http.Response.ContentType = "application/grpc+proto";
        await http.Response.Body.WriteAsync(body);
        await http.Response.Body.FlushAsync();
        if (grpcStatus is not null)
        {
            http.Response.AppendTrailer("grpc-status", grpcStatus);
        }
    }

    private static async Task<Status> StatusOfUnaryAsync(RequestDelegate answer)
    {
        await using RawServer server = await RawServer.StartAsync(answer);
        return (await Assert.ThrowsAsync<RpcException>(() => server.Client.EchoAsync(new Message()).ResponseAsync.OrFail())).Status;
    }
}

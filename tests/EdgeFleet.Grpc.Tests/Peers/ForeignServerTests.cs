using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;

namespace EdgeFleet.Grpc.Tests.Peers;

/// <summary>Our client and servers that are not ours.</summary>
public abstract class ForeignServerTests(ForeignServer server)
{
    private readonly Probe.ProbeClient _client = new(server.Channel);

    [Fact]
    public async Task A_unary_call_is_answered()
    {
        Message sent = new() { Text = "grüß", Payload = ByteString.CopyFrom(0, 255), Number = -5 };
        Message answer = await _client.EchoAsync(sent).ResponseAsync.OrFail();
        Assert.Equal((sent.Text, sent.Payload, sent.Number), (answer.Text, answer.Payload, answer.Number));
    }

    [Fact]
    public async Task Metadata_comes_back_in_headers_and_trailers()
    {
        using var call = _client.EchoAsync(new Message(), new Metadata
        {
            { "x-text", "plain, with commas" }, { "x-raw-bin", [0, 255, 44] }, { "x-long-bin", new byte[300] }, { "x-empty-bin", [] },
        });
        await call.ResponseAsync.OrFail();
        foreach (Metadata received in new[] { await call.ResponseHeadersAsync, call.GetTrailers() })
        {
            Assert.Equal("plain, with commas", received.GetValue("x-text"));
            Assert.Equal([0, 255, 44], received.GetValueBytes("x-raw-bin")!);
            Assert.Equal(new byte[300], received.GetValueBytes("x-long-bin")!);
            Assert.Empty(received.GetValueBytes("x-empty-bin")!);
        }
    }

    [Fact]
    public async Task A_status_arrives_with_its_text()
    {
        const string detail = "100 % of 'grüß'\n🐑";
        RpcException thrown = await FailAsync(_client.EchoAsync(new Message { Wish = new Wish { Status = (int)StatusCode.FailedPrecondition, Detail = detail } }).ResponseAsync);
        Assert.Equal(StatusCode.FailedPrecondition, thrown.StatusCode);
        Assert.Equal(detail, thrown.Status.Detail);
    }

    [Fact]
    public async Task A_missing_method_is_unimplemented() =>
        Assert.Equal(StatusCode.Unimplemented, (await FailAsync(_client.MissingAsync(new Message()).ResponseAsync)).StatusCode);

    [Fact]
    public async Task A_server_stream_gives_its_messages_and_then_its_status()
    {
        using var call = _client.Count(new Message { Number = 500, Wish = new Wish { ReplyBytes = 1000, Status = (int)StatusCode.DataLoss, Detail = "lost" } });
        for (int i = 0; i < 500; i++)
        {
            Assert.True(await call.ResponseStream.MoveNext().OrFail());
            Assert.Equal(i, call.ResponseStream.Current.Number);
        }

        RpcException thrown = await FailAsync(call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.DataLoss, "lost"), (thrown.StatusCode, thrown.Status.Detail));
    }

    [Fact]
    public async Task A_client_stream_is_answered_after_its_last_message()
    {
        using var call = _client.Sum();
        for (int i = 1; i <= 100; i++)
        {
            await call.RequestStream.WriteAsync(new Message { Number = i }).OrFail();
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal((5050, "100"), await SumOf(call));
    }

    [Fact]
    public async Task A_writer_is_let_go_when_the_server_answers_before_the_last_message()
    {
        using var call = _client.Sum();
        Message large = new() { Number = 1, Payload = ByteString.CopyFrom(new byte[1_000_000]), Wish = new Wish { StopAfter = 2 } };
        await Assert.ThrowsAsync<RpcException>(() => WriteAsync(call.RequestStream, large, 1000));
        Assert.Equal((2, "2"), await SumOf(call));
    }

    [Fact]
    public async Task A_writer_is_not_stuck_when_the_server_ends_a_duplex_stream_that_nobody_reads()
    {
        using var call = _client.Chat();
        await call.RequestStream.WriteAsync(new Message { Number = 1, Wish = new Wish { Status = (int)StatusCode.ResourceExhausted, Detail = "enough" } });

        // grpcio resets the stream, grpc-js takes and drops what comes: a write may fail or pass, but has to end.
        Message large = new() { Payload = ByteString.CopyFrom(new byte[1_000_000]) };
        Task writing = WriteAsync(call.RequestStream, large, 100);
        await writing.ContinueWith(_ => { }, TaskScheduler.Default);
        Assert.True(writing.IsCompletedSuccessfully || writing.Exception!.InnerException is RpcException, writing.Exception?.ToString());

        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        RpcException thrown = await FailAsync(call.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.ResourceExhausted, "enough"), (thrown.StatusCode, thrown.Status.Detail));
    }

    [Fact]
    public async Task A_duplex_stream_answers_each_message_before_the_next_is_sent()
    {
        using var call = _client.Chat();
        for (int i = 0; i < 50; i++)
        {
            await call.RequestStream.WriteAsync(new Message { Number = i }).OrFail();
            Assert.True(await call.ResponseStream.MoveNext().OrFail());
            Assert.Equal(i, call.ResponseStream.Current.Number);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().OrFail());
    }

    [Fact]
    public async Task A_deadline_ends_calls_that_hang()
    {
        Message hang = new() { Number = 1, Wish = new Wish { Hang = true } };
        RpcException unary = await FailAsync(_client.EchoAsync(hang, deadline: DateTime.UtcNow.AddMilliseconds(200)).ResponseAsync);
        using var stream = _client.Count(hang, deadline: DateTime.UtcNow.AddSeconds(1));
        Assert.True(await stream.ResponseStream.MoveNext().OrFail());
        RpcException streamed = await FailAsync(stream.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.DeadlineExceeded, StatusCode.DeadlineExceeded), (unary.StatusCode, streamed.StatusCode));
    }

    [Fact]
    public async Task The_server_sees_that_its_caller_cancels()
    {
        // A server of its own: the others' calls would be counted too.
        await using ForeignServer own = await server.StartAnotherAsync();
        Probe.ProbeClient client = new(own.Channel);
        Message hang = new() { Number = 1, Wish = new Wish { Hang = true } };
        var stream = client.Count(hang);
        Assert.True(await stream.ResponseStream.MoveNext().OrFail());
        stream.Dispose();
        using CancellationTokenSource cancel = new();
        using var chat = client.Chat(cancellationToken: cancel.Token);
        await chat.RequestStream.WriteAsync(hang);
        Assert.True(await chat.ResponseStream.MoveNext().OrFail());
        await cancel.CancelAsync();

        await client.AwaitCancellationsAsync(new Message { Number = 2 }).ResponseAsync.OrFail();
    }

    [Fact]
    public async Task A_message_over_the_cap_of_either_side_is_refused()
    {
        Message large = new() { Payload = ByteString.CopyFrom(new byte[5 << 20]) };
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(_client.EchoAsync(large).ResponseAsync)).StatusCode);
        using var count = _client.Count(new Message { Number = 1, Wish = new Wish { ReplyBytes = 5 << 20 } });
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(count.ResponseStream.MoveNext())).StatusCode);

        // Past our own cap, the server's holds.
        using GrpcChannel uncapped = server.Open(options => options.MaxSendMessageSize = null);
        Assert.Equal(StatusCode.ResourceExhausted, (await FailAsync(new Probe.ProbeClient(uncapped).EchoAsync(large).ResponseAsync)).StatusCode);
    }

    [Fact]
    public async Task A_message_of_almost_4_MiB_passes_both_ways()
    {
        byte[] payload = new byte[3_990_000];
        Random.Shared.NextBytes(payload);
        Message answer = await _client.EchoAsync(new Message { Payload = ByteString.CopyFrom(payload) }).ResponseAsync.OrFail();
        Assert.Equal(payload, answer.Payload.ToByteArray());
    }

    [Fact]
    public async Task An_upload_of_40_MiB_passes()
    {
        using var call = _client.Sum();
        Message chunk = new() { Number = 1, Payload = ByteString.CopyFrom(new byte[64 << 10]) };
        for (int i = 0; i < 640; i++)
        {
            await call.RequestStream.WriteAsync(chunk).OrFail();
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal((640, "640"), await SumOf(call));
    }

    [Fact]
    public async Task A_server_that_is_killed_ends_its_calls_as_Unavailable()
    {
        await using ForeignServer doomed = await server.StartAnotherAsync();
        using var call = new Probe.ProbeClient(doomed.Channel).Chat();
        await call.RequestStream.WriteAsync(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        doomed.Kill();
        Assert.Equal(StatusCode.Unavailable, (await FailAsync(call.ResponseStream.MoveNext())).StatusCode);
        Assert.Equal(StatusCode.Unavailable, (await FailAsync(new Probe.ProbeClient(doomed.Channel).EchoAsync(new Message()).ResponseAsync)).StatusCode);
    }

    [Fact]
    public async Task The_same_channel_reaches_a_server_that_was_killed_and_started_again()
    {
        await using ForeignServer restarted = await server.StartAnotherAsync();
        Probe.ProbeClient client = new(restarted.Channel);
        await client.EchoAsync(new Message()).ResponseAsync.OrFail();
        restarted.Kill();
        Assert.Equal(StatusCode.Unavailable, (await FailAsync(client.EchoAsync(new Message { Wish = new Wish { Hang = true } }).ResponseAsync)).StatusCode);

        await restarted.StartAgainAsync();

        Assert.Equal(3, (await client.EchoAsync(new Message { Number = 3 }).ResponseAsync.OrFail()).Number);
    }

    private static Task<RpcException> FailAsync(Task call) => Assert.ThrowsAsync<RpcException>(() => call.OrFail());

    private static async Task<(long Sum, string Count)> SumOf(AsyncClientStreamingCall<Message, Message> call)
    {
        Message answer = await call.ResponseAsync.OrFail();
        return (answer.Number, answer.Text);
    }

    private static async Task WriteAsync(IClientStreamWriter<Message> stream, Message message, int times)
    {
        for (int i = 0; i < times; i++)
        {
            await stream.WriteAsync(message).OrFail();
        }
    }
}

public sealed class PythonServerTests(PythonServerTests.Server server) : ForeignServerTests(server), IClassFixture<PythonServerTests.Server>
{
    public sealed class Server() : ForeignServer(PeerLanguage.Python, tls: false);
}

public sealed class PythonTlsServerTests(PythonTlsServerTests.Server server) : ForeignServerTests(server), IClassFixture<PythonTlsServerTests.Server>
{
    public sealed class Server() : ForeignServer(PeerLanguage.Python, tls: true);
}

public sealed class NodeServerTests(NodeServerTests.Server server) : ForeignServerTests(server), IClassFixture<NodeServerTests.Server>
{
    public sealed class Server() : ForeignServer(PeerLanguage.Node, tls: false);
}

public sealed class NodeTlsServerTests(NodeTlsServerTests.Server server) : ForeignServerTests(server), IClassFixture<NodeTlsServerTests.Server>
{
    public sealed class Server() : ForeignServer(PeerLanguage.Node, tls: true);
}

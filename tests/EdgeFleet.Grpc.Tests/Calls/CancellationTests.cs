using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>Whoever ends a call, the other side notices.</summary>
public sealed class CancellationTests : ProbeTest
{
    private static readonly Message s_hang = new() { Number = 1, Wish = new Wish { Hang = true } };

    [Fact]
    public async Task A_unary_call_cancelled_by_its_token_ends_at_both_ends()
    {
        using CancellationTokenSource cancel = new();
        using var call = Client.EchoAsync(s_hang, new Metadata { { "x-started", "yes" } }, cancellationToken: cancel.Token);
        await call.ResponseHeadersAsync.OrFail();
        await cancel.CancelAsync();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.OrFail());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        await Server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task A_call_with_a_cancelled_token_is_not_sent()
    {
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () =>
            await Client.EchoAsync(new Message(), cancellationToken: new CancellationToken(canceled: true)));
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        Assert.Null(Server.State.LastContext);
    }

    [Fact]
    public async Task Disposing_a_server_stream_cancels_it_at_the_server()
    {
        var call = Client.Count(s_hang);
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        Task<bool> pending = call.ResponseStream.MoveNext();
        call.Dispose();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => pending.OrFail());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        await Server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task Disposing_a_call_that_nobody_reads_cancels_it_at_the_server()
    {
        var call = Client.Count(new Message { Number = 1_000_000, Wish = new Wish { ReplyBytes = 100_000 } });
        await call.ResponseHeadersAsync.OrFail();
        call.Dispose();
        await Server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task A_read_cancelled_by_its_own_token_ends_the_call()
    {
        using var call = Client.Count(s_hang);
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        using CancellationTokenSource cancel = new();
        Task<bool> pending = call.ResponseStream.MoveNext(cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => pending.OrFail());
        await Server.State.CancellationsAsync(1).OrFail();
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_client_stream_disposed_before_its_end_is_cancelled_at_the_server()
    {
        var call = Client.Sum();
        await call.RequestStream.WriteAsync(new Message { Number = 1 });
        call.Dispose();

        await Server.State.CancellationsAsync(1).OrFail();
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseAsync.OrFail());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Message()).OrFail());
    }

    [Fact]
    public async Task A_duplex_stream_cancelled_by_its_token_ends_reads_and_writes_at_both_ends()
    {
        using CancellationTokenSource cancel = new();
        using var call = Client.Chat(cancellationToken: cancel.Token);
        await call.RequestStream.WriteAsync(new Message());
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        Task<bool> pending = call.ResponseStream.MoveNext();
        await cancel.CancelAsync();

        await Assert.ThrowsAsync<RpcException>(() => pending.OrFail());
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.RequestStream.WriteAsync(new Message()).OrFail());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        await Server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task Disposing_the_channel_ends_its_calls()
    {
        using var channel = Server.Open();
        using var call = new Probe.ProbeClient(channel).Count(s_hang);
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        channel.Dispose();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.Cancelled, thrown.StatusCode);
        await Server.State.CancellationsAsync(1).OrFail();
        Assert.Throws<ObjectDisposedException>(() => channel.CreateCallInvoker());
    }

    [Fact]
    public async Task A_writer_does_not_hang_when_the_server_ends_a_client_stream_early()
    {
        using var call = Client.Sum();
        Message large = new() { Number = 1, Payload = ByteString.CopyFrom(new byte[1_000_000]), Wish = new Wish { StopAfter = 2 } };

        // No window is given for what the service does not read, so sooner or later a write waits, and must be let go.
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await call.RequestStream.WriteAsync(large).OrFail();
            }
        });

        Assert.Equal(StatusCode.OK, thrown.StatusCode);
        Assert.Equal(2, (await call.ResponseAsync.OrFail()).Number);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public async Task A_writer_does_not_hang_when_the_server_ends_a_duplex_stream_that_nobody_reads(int unreadBytes)
    {
        using var call = Client.Chat();
        await call.RequestStream.WriteAsync(new Message
        {
            Payload = ByteString.CopyFrom(new byte[unreadBytes]),
            Wish = new Wish { Status = (int)StatusCode.ResourceExhausted, Detail = "enough" },
        });

        Message large = new() { Payload = ByteString.CopyFrom(new byte[1_000_000]) };
        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                await call.RequestStream.WriteAsync(large).OrFail();
            }
        });

        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.ResourceExhausted, thrown.StatusCode);
        Assert.Equal("enough", thrown.Status.Detail);
    }
}

using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>Sizes of messages, streams and their number.</summary>
public sealed class LimitTests
{
    private const int DefaultCap = 4 * 1024 * 1024;

    [Fact]
    public async Task A_message_just_under_the_default_cap_passes_both_ways()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open();
        byte[] payload = new byte[DefaultCap - 10];
        Random.Shared.NextBytes(payload);
        Message answer = await new Probe.ProbeClient(channel).EchoAsync(new Message { Payload = ByteString.CopyFrom(payload) });
        Assert.Equal(payload, answer.Payload.ToByteArray());
    }

    [Fact]
    public async Task The_client_refuses_to_send_more_than_its_cap()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open(options => options.MaxSendMessageSize = 100);
        Probe.ProbeClient client = new(channel);
        Message message = new() { Payload = ByteString.CopyFrom(new byte[101]) };

        AssertOverCap(await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(message)), "100");
        Assert.Null(server.State.LastContext);

        using var sum = client.Sum();
        AssertOverCap(await Assert.ThrowsAsync<RpcException>(() => sum.RequestStream.WriteAsync(message)), "100");
    }

    [Fact]
    public async Task The_server_refuses_to_receive_more_than_its_cap_and_goes_on()
    {
        await using ProbeServer server = await ProbeServer.StartAsync(grpc: options => options.MaxReceiveMessageSize = 100);
        using var channel = server.Open();
        Probe.ProbeClient client = new(channel);
        Message message = new() { Payload = ByteString.CopyFrom(new byte[101]) };

        AssertOverCap(await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(message)), "100");
        using var chat = client.Chat();
        await chat.RequestStream.WriteAsync(message);
        AssertOverCap(await Assert.ThrowsAsync<RpcException>(() => chat.ResponseStream.MoveNext().OrFail()), "100");
        Assert.Equal(1, (await client.EchoAsync(new Message { Number = 1 })).Number);
    }

    [Fact]
    public async Task The_server_refuses_to_send_more_than_its_cap()
    {
        await using ProbeServer server = await ProbeServer.StartAsync(grpc: options => options.MaxSendMessageSize = 100);
        using var channel = server.Open();
        Probe.ProbeClient client = new(channel);

        AssertOverCap(await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Message { Payload = ByteString.CopyFrom(new byte[101]) })), "100");
        using var count = client.Count(new Message { Number = 1, Wish = new Wish { ReplyBytes = 101 } });
        AssertOverCap(await Assert.ThrowsAsync<RpcException>(() => count.ResponseStream.MoveNext().OrFail()), "100");
    }

    [Fact]
    public async Task The_client_refuses_to_receive_more_than_its_cap_and_tells_the_server()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open(options => options.MaxReceiveMessageSize = 100);
        Probe.ProbeClient client = new(channel);

        AssertOverCap(await Assert.ThrowsAsync<RpcException>(async () => await client.EchoAsync(new Message { Payload = ByteString.CopyFrom(new byte[101]) })), "100");
        using var count = client.Count(new Message { Number = 1_000_000, Wish = new Wish { ReplyBytes = 10_000 } });
        AssertOverCap(await Assert.ThrowsAsync<RpcException>(() => count.ResponseStream.MoveNext().OrFail()), "100");
        await server.State.CancellationsAsync(1).OrFail();
    }

    [Fact]
    public async Task Without_a_cap_a_message_of_any_size_passes()
    {
        await using ProbeServer server = await ProbeServer.StartAsync(grpc: options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (null, null));
        using var channel = server.Open(options => (options.MaxReceiveMessageSize, options.MaxSendMessageSize) = (null, null));
        Message answer = await new Probe.ProbeClient(channel).EchoAsync(new Message { Payload = ByteString.CopyFrom(new byte[DefaultCap * 2]) });
        Assert.Equal(DefaultCap * 2, answer.Payload.Length);
    }

    [Fact]
    public async Task An_upload_of_40_MiB_is_no_request_body_that_is_too_large()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open();
        using var call = new Probe.ProbeClient(channel).Sum();
        Message chunk = new() { Number = 64 * 1024, Payload = ByteString.CopyFrom(new byte[64 * 1024]) };
        for (int i = 0; i < 640; i++)
        {
            await call.RequestStream.WriteAsync(chunk).OrFail();
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal(40 * 1024 * 1024, (await call.ResponseAsync.OrFail()).Number);
    }

    [Fact]
    public async Task More_streams_than_one_connection_takes_stay_open_on_one_channel()
    {
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open();
        Probe.ProbeClient client = new(channel);
        var calls = Enumerable.Range(0, 130).Select(_ => client.Chat()).ToArray();
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < calls.Length; i++)
            {
                await calls[i].RequestStream.WriteAsync(new Message { Number = i + round }).OrFail();
            }

            for (int i = 0; i < calls.Length; i++)
            {
                Assert.True(await calls[i].ResponseStream.MoveNext().OrFail());
                Assert.Equal(i + round, calls[i].ResponseStream.Current.Number);
            }
        }

        foreach (var call in calls)
        {
            await call.RequestStream.CompleteAsync();
            Assert.False(await call.ResponseStream.MoveNext().OrFail());
            call.Dispose();
        }
    }

    private static void AssertOverCap(RpcException thrown, string cap)
    {
        Assert.Equal(StatusCode.ResourceExhausted, thrown.StatusCode);
        Assert.Contains(cap, thrown.Status.Detail, StringComparison.Ordinal);
    }
}

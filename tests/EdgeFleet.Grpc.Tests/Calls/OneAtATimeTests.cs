using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>A second read or write on the same stream is a bug of its caller and is told so; the stream stays whole.</summary>
public sealed class OneAtATimeTests : ProbeTest
{
    private static readonly Marshaller<Message> s_marshaller = Marshallers.Create(message => message.ToByteArray(), Message.Parser.ParseFrom);

    private static readonly Method<Message, Message> s_clash = new(MethodType.ServerStreaming, "edgefleet.probe.Inline", "Clash", s_marshaller, s_marshaller);

    private readonly TaskCompletionSource<InvalidOperationException> _serverSaw = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Two_reads_at_once_on_the_client_are_refused()
    {
        using var call = Client.Chat();
        Task<bool> first = call.ResponseStream.MoveNext();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.ResponseStream.MoveNext());

        await call.RequestStream.WriteAsync(new Message { Number = 4 });
        Assert.True(await first.OrFail());
        Assert.Equal(4, call.ResponseStream.Current.Number);
    }

    [Fact]
    public async Task Two_writes_at_once_on_the_client_are_refused()
    {
        // The channel has no connection yet, so the first write waits for one.
        using var call = Client.Chat();
        Task first = call.RequestStream.WriteAsync(new Message { Number = 4 });
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Message()));
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.CompleteAsync());

        await first.OrFail();
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(4, call.ResponseStream.Current.Number);
    }

    [Fact]
    public async Task A_write_after_completion_is_refused()
    {
        using var call = Client.Sum();
        await call.RequestStream.CompleteAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => call.RequestStream.WriteAsync(new Message()));
        Assert.Equal("0", (await call.ResponseAsync.OrFail()).Text);
    }

    [Fact]
    public async Task Two_writes_at_once_on_the_server_are_refused()
    {
        using var call = Channel.CreateCallInvoker().AsyncServerStreamingCall(s_clash, null, default, new Message());
        await _serverSaw.Task.OrFail();

        // What the service wrote before it stumbled arrives whole.
        long expected = 0;
        await foreach (Message message in call.ResponseStream.ReadAllAsync())
        {
            Assert.Equal(expected++, message.Number);
        }

        Assert.True(expected > 0);
    }

    [Fact]
    public async Task There_is_no_current_message_before_the_first_and_after_the_last()
    {
        using var call = Client.Count(new Message { Number = 1 });
        Assert.Throws<InvalidOperationException>(() => call.ResponseStream.Current);
        Assert.True(await call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(0, call.ResponseStream.Current.Number);
        Assert.False(await call.ResponseStream.MoveNext().OrFail());
        Assert.Throws<InvalidOperationException>(() => call.ResponseStream.Current);
    }

    [Fact]
    public async Task Status_and_trailers_are_not_known_before_the_end()
    {
        using var call = Client.Chat();
        Assert.Throws<InvalidOperationException>(() => call.GetStatus());
        Assert.Throws<InvalidOperationException>(() => call.GetTrailers());
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext().OrFail());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    private protected override Task<ProbeServer> StartAsync() => ProbeServer.StartAsync(map: app => app.MapGrpcService(
        ServerServiceDefinition.CreateBuilder().AddMethod(s_clash, ClashAsync).Build()));

    private async Task ClashAsync(Message request, IServerStreamWriter<Message> responses, ServerCallContext context)
    {
        // The caller does not read yet, so sooner or later a write waits for window and the next finds it waiting.
        ByteString payload = ByteString.CopyFrom(new byte[100_000]);
        Task last = Task.CompletedTask;
        for (long number = 0; ; number++)
        {
            Task next = responses.WriteAsync(new Message { Number = number, Payload = payload });
            if (next.IsFaulted)
            {
                _serverSaw.SetResult(await Assert.ThrowsAsync<InvalidOperationException>(() => next));
                break;
            }

            last = next;
        }

        await last;
    }
}

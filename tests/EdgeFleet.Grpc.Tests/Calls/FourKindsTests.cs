using EdgeFleet.Probing;
using Grpc.Core;

namespace EdgeFleet.Grpc.Tests.Calls;

public sealed class FourKindsTests : ProbeTest
{
    [Fact]
    public async Task A_unary_call_gives_the_answer_with_headers_and_trailers()
    {
        Metadata headers = new() { { "x-text", "plain" }, { "x-bytes-bin", [0, 255, 44] } };
        using AsyncUnaryCall<Message> call = Client.EchoAsync(new Message { Text = "grüß" }, headers);

        Message answer = await call;
        Metadata responseHeaders = await call.ResponseHeadersAsync;

        Assert.Equal("grüß", answer.Text);
        Assert.Equal("plain", responseHeaders.GetValue("x-text"));
        Assert.Equal([0, 255, 44], responseHeaders.GetValueBytes("x-bytes-bin"));
        Assert.Equal("plain", call.GetTrailers().GetValue("x-text"));
        Assert.Equal([0, 255, 44], call.GetTrailers().GetValueBytes("x-bytes-bin"));
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public void A_blocking_unary_call_gives_the_answer() =>
        Assert.Equal(7, Client.Echo(new Message { Number = 7 }).Number);

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        Assert.Equal(new Message(), await Client.EchoAsync(new Message()));
    }

    [Fact]
    public async Task A_server_stream_gives_each_message_in_order_and_then_the_status()
    {
        using AsyncServerStreamingCall<Message> call = Client.Count(new Message { Number = 500, Wish = new Wish { ReplyBytes = 1000 } });
        List<long> numbers = [];
        await foreach (Message message in call.ResponseStream.ReadAllAsync())
        {
            Assert.Equal(1000, message.Payload.Length);
            numbers.Add(message.Number);
        }

        Assert.Equal(Enumerable.Range(0, 500).Select(i => (long)i), numbers);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task A_server_stream_that_fails_gives_its_messages_before_the_status()
    {
        using AsyncServerStreamingCall<Message> call = Client.Count(new Message { Number = 3, Wish = new Wish { Status = (int)StatusCode.DataLoss, Detail = "50 % lost\n" } });
        int count = 0;
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (Message _ in call.ResponseStream.ReadAllAsync())
            {
                count++;
            }
        });

        Assert.Equal(3, count);
        Assert.Equal(StatusCode.DataLoss, thrown.StatusCode);
        Assert.Equal("50 % lost\n", thrown.Status.Detail);
    }

    [Fact]
    public async Task AClient_stream_gives_one_answer_to_all_messages()
    {
        using AsyncClientStreamingCall<Message, Message> call = Client.Sum();
        for (int i = 1; i <= 100; i++)
        {
            await call.RequestStream.WriteAsync(new Message { Number = i });
        }

        await call.RequestStream.CompleteAsync();
        Message answer = await call;

        Assert.Equal(5050, answer.Number);
        Assert.Equal("100", answer.Text);
    }

    [Fact]
    public async Task AClient_stream_without_messages_is_answered()
    {
        using AsyncClientStreamingCall<Message, Message> call = Client.Sum();
        await call.RequestStream.CompleteAsync();
        Assert.Equal("0", (await call).Text);
    }

    [Fact]
    public async Task A_duplex_stream_answers_each_message_before_the_next_is_sent()
    {
        using AsyncDuplexStreamingCall<Message, Message> call = Client.Chat();
        for (int i = 0; i < 50; i++)
        {
            await call.RequestStream.WriteAsync(new Message { Number = i });
            Assert.True(await call.ResponseStream.MoveNext());
            Assert.Equal(i, call.ResponseStream.Current.Number);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.False(await call.ResponseStream.MoveNext());
    }

    [Fact]
    public async Task A_status_that_the_service_chose_arrives_with_its_text()
    {
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () =>
            await Client.EchoAsync(new Message { Wish = new Wish { Status = 5, Detail = "grüß 100%" } }));
        Assert.Equal(StatusCode.NotFound, thrown.StatusCode);
        Assert.Equal("grüß 100%", thrown.Status.Detail);
    }

    [Fact]
    public async Task A_method_that_the_service_leaves_out_and_a_service_that_is_not_there_are_unimplemented()
    {
        RpcException leftOut = await Assert.ThrowsAsync<RpcException>(async () => await Client.MissingAsync(new Message()));
        Assert.Equal(StatusCode.Unimplemented, leftOut.StatusCode);

        Method<Message, Message> unknown = new(
            MethodType.Unary, "edgefleet.probe.Nothing", "Here",
            Marshallers.Create(message => Google.Protobuf.MessageExtensions.ToByteArray(message), Message.Parser.ParseFrom),
            Marshallers.Create(message => Google.Protobuf.MessageExtensions.ToByteArray(message), Message.Parser.ParseFrom));
        RpcException notThere = await Assert.ThrowsAsync<RpcException>(async () =>
            await Channel.CreateCallInvoker().AsyncUnaryCall(unknown, null, default, new Message()));
        Assert.Equal(StatusCode.Unimplemented, notThere.StatusCode);
        Assert.Contains("/edgefleet.probe.Nothing/Here", notThere.Status.Detail, StringComparison.Ordinal);
    }
}

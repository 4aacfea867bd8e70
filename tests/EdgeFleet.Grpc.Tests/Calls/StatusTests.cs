using EdgeFleet.Probing;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>How a service's outcome becomes the caller's status.</summary>
public sealed class StatusTests
{
    private static readonly Marshaller<Message> s_marshaller = Marshallers.Create(message => message.ToByteArray(), Message.Parser.ParseFrom);

    [Fact]
    public async Task An_exception_of_the_service_is_Unknown_and_its_message_stays_on_the_server()
    {
        RpcException thrown = await CallAsync((_, _) => throw new InvalidOperationException("secret"));
        Assert.Equal(StatusCode.Unknown, thrown.StatusCode);
        Assert.DoesNotContain("secret", thrown.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_detailed_errors_the_caller_is_told_the_message()
    {
        RpcException thrown = await CallAsync((_, _) => throw new InvalidOperationException("no such table"), detailedErrors: true);
        Assert.Contains("InvalidOperationException: no such table", thrown.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trailers_of_the_context_and_of_the_exception_both_arrive()
    {
        RpcException thrown = await CallAsync((_, context) =>
        {
            context.ResponseTrailers.Add("from", "context");
            throw new RpcException(new Status(StatusCode.Aborted, "later"), [new Metadata.Entry("from", "exception"), new Metadata.Entry("raw-bin", [1, 2])]);
        });
        Assert.Equal(StatusCode.Aborted, thrown.StatusCode);
        Assert.Equal(["context", "exception"], thrown.Trailers.GetAll("from").Select(entry => entry.Value));
        Assert.Equal([1, 2], thrown.Trailers.GetValueBytes("raw-bin"));
    }

    [Fact]
    public async Task A_status_set_on_the_context_holds_although_a_message_was_returned()
    {
        RpcException thrown = await CallAsync((request, context) =>
        {
            context.Status = new Status(StatusCode.FailedPrecondition, "not yet");
            return Task.FromResult(request);
        });
        Assert.Equal(StatusCode.FailedPrecondition, thrown.StatusCode);
        Assert.Equal("not yet", thrown.Status.Detail);
    }

    [Theory]
    [InlineData("grpc-status", "0")]
    [InlineData("x-text", "line\nbreak")]
    [InlineData("x-text", "grüß")]
    public async Task Trailers_that_cannot_travel_are_an_internal_error_that_names_them(string key, string value)
    {
        RpcException thrown = await CallAsync((request, context) =>
        {
            context.ResponseTrailers.Add(key, value);
            return Task.FromResult(request);
        });
        Assert.Equal(StatusCode.Internal, thrown.StatusCode);
        Assert.Contains($"'{key}'", thrown.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_message_from_a_unary_method_is_an_error_not_an_empty_message()
    {
        RpcException thrown = await CallAsync((_, _) => Task.FromResult<Message>(null!));
        Assert.NotEqual(StatusCode.OK, thrown.StatusCode);
    }

    [Fact]
    public async Task A_marshaller_that_writes_less_than_it_announced_breaks_the_stream_and_nothing_else()
    {
        Marshaller<Message> broken = Marshallers.Create(
            (Message _, SerializationContext context) =>
            {
                context.SetPayloadLength(10);
                context.GetBufferWriter().GetSpan(1)[0] = 1;
                context.GetBufferWriter().Advance(1);
                context.Complete();
            },
            context => Message.Parser.ParseFrom(context.PayloadAsReadOnlySequence()));
        await using ProbeServer server = await ProbeServer.StartAsync(map: app => app.MapGrpcService(ServerServiceDefinition.CreateBuilder()
            .AddMethod(Method(broken), (request, _) => Task.FromResult(request))
            .Build()));
        using var channel = server.Open();

        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () =>
            await channel.CreateCallInvoker().AsyncUnaryCall(Method(s_marshaller), null, default, new Message()));
        Assert.Equal(StatusCode.Internal, thrown.StatusCode);
        Assert.Equal(3, (await new Probe.ProbeClient(channel).EchoAsync(new Message { Number = 3 })).Number);
    }

    [Fact]
    public async Task A_client_marshaller_that_throws_fails_the_call_with_its_reason()
    {
        Marshaller<Message> broken = Marshallers.Create<Message>(_ => throw new FormatException("seven is not a colour"), Message.Parser.ParseFrom);
        await using ProbeServer server = await ProbeServer.StartAsync();
        using var channel = server.Open();

        Method<Message, Message> method = new(MethodType.Unary, "edgefleet.probe.Probe", "Echo", broken, s_marshaller);
        RpcException thrown = await Assert.ThrowsAsync<RpcException>(async () => await channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, new Message()));
        Assert.Equal(StatusCode.Internal, thrown.StatusCode);
        Assert.Contains("seven is not a colour", thrown.Status.Detail, StringComparison.Ordinal);
    }

    private static Method<Message, Message> Method(Marshaller<Message> response) =>
        new(MethodType.Unary, "edgefleet.probe.Inline", "Call", s_marshaller, response);

    private static async Task<RpcException> CallAsync(UnaryServerMethod<Message, Message> handler, bool detailedErrors = false)
    {
        await using ProbeServer server = await ProbeServer.StartAsync(
            grpc: options => options.EnableDetailedErrors = detailedErrors,
            map: app => app.MapGrpcService(ServerServiceDefinition.CreateBuilder().AddMethod(Method(s_marshaller), handler).Build()));
        using var channel = server.Open();
        return await Assert.ThrowsAsync<RpcException>(async () =>
            await channel.CreateCallInvoker().AsyncUnaryCall(Method(s_marshaller), null, default, new Message { Number = 1 }));
    }
}

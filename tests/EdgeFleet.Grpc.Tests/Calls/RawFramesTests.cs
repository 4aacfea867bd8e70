using EdgeFleet.Probing;
using Grpc.Core;
using static EdgeFleet.Grpc.Tests.RawHttp2Client;

namespace EdgeFleet.Grpc.Tests.Calls;

/// <summary>Our server and callers that break HTTP/2 or leave in the middle of it.</summary>
public sealed class RawFramesTests : ProbeTest
{
    public static TheoryData<string, byte[]> Broken => new()
    {
        { "data on no stream", Frame(Data, 0, 0, [1, 2, 3]) },
        { "data on a stream that was never opened", Frame(Data, EndStream, 1, [1, 2, 3]) },
        { "headers on no stream", Frame(Headers, EndHeaders, 0, Block((":method", "POST"))) },
        { "a stream of the server's numbers", Frame(Headers, EndHeaders, 2, Block((":method", "POST"))) },
        { "a header of an index that is none", Frame(Headers, EndHeaders | EndStream, 1, [0x80]) },
        { "a header that is cut short", Frame(Headers, EndHeaders | EndStream, 1, [0, 10, 1]) },
        { "padding longer than its frame", Frame(Headers, EndHeaders | 8, 1, [200, 0]) },
        { "half a setting", Frame(Settings, 0, 0, [0, 1, 0, 0, 0]) },
        { "a window of nothing", Frame(8, 0, 0, [0, 0, 0, 0]) },
        { "a ping of seven bytes", Frame(6, 0, 0, new byte[7]) },
        { "a continuation of nothing", Frame(9, EndHeaders, 1, []) },
        { "a frame longer than allowed", Frame(Data, 0, 1, new byte[100], announcedLength: 0xFFFFFF) },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public async Task A_connection_that_breaks_the_protocol_is_told_goodbye_and_costs_nobody_else_anything(string what, byte[] frame)
    {
        using var chat = Client.Chat();
        using RawHttp2Client raw = await ConnectAsync(Server.Address);

        await raw.Stream.WriteAsync(frame);

        Assert.True(await IsToldGoodbyeAsync(raw), what);
        await chat.RequestStream.WriteAsync(new Message { Number = 4 });
        Assert.True(await chat.ResponseStream.MoveNext().OrFail());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    public async Task A_connection_that_does_not_begin_as_HTTP_2_is_closed(string preface)
    {
        using RawHttp2Client raw = await ConnectAsync(Server.Address, preface);

        // Whatever it says before, in whatever protocol.
        byte[] buffer = new byte[4096];
        try
        {
            while (await raw.Stream.ReadAsync(buffer).AsTask().OrFail() > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset, which is as good.
        }

        Assert.Equal(4, (await Client.EchoAsync(new Message { Number = 4 }).ResponseAsync.OrFail()).Number);
    }

    [Theory]
    [InlineData("Sum")]
    [InlineData("Chat")]
    public async Task A_caller_that_resets_its_stream_inside_a_message_cancels_the_method_and_keeps_its_connection(string method)
    {
        using RawHttp2Client raw = await ConnectAsync(Server.Address);
        await raw.BeginCallAsync(1, method);
        byte[] message = RawServer.Frame(new Message { Text = "hello" });
        await raw.SendAsync(Data, 0, 1, [.. message, .. message[..^2]]);

        await raw.SendAsync(ResetStream, 0, 1, [0, 0, 0, 8]);

        await Server.State.CancellationsAsync(1).OrFail();
        await raw.BeginCallAsync(3, "Echo");
        await raw.SendAsync(Data, EndStream, 3, message);
        Assert.Equal(message, await BodyAsync(raw, 3));
    }

    [Fact]
    public async Task A_caller_that_vanishes_inside_a_message_cancels_the_method()
    {
        using (RawHttp2Client raw = await ConnectAsync(Server.Address))
        {
            await raw.BeginCallAsync(1, "Chat");
            byte[] message = RawServer.Frame(new Message { Text = "hello" });
            await raw.SendAsync(Data, 0, 1, [.. message, .. message[..^2]]);
            // The method has begun once it answers.
            while (await raw.ReadAsync() is { Type: not Data })
            {
            }
        }

        await Server.State.CancellationsAsync(1).OrFail();
    }

    private static async Task<bool> IsToldGoodbyeAsync(RawHttp2Client raw)
    {
        bool told = false;
        while (await raw.ReadAsync() is { } frame)
        {
            told |= frame.Type == Goodbye;
        }

        return told;
    }

    private static async Task<byte[]> BodyAsync(RawHttp2Client raw, int stream)
    {
        List<byte> body = [];
        while (await raw.ReadAsync() is { } frame)
        {
            if (frame.Stream == stream)
            {
                body.AddRange(frame.Type == Data ? frame.Payload : []);
                if ((frame.Flags & EndStream) != 0 && frame.Type is Data or Headers)
                {
                    return [.. body];
                }
            }
        }

        throw new EndOfStreamException($"the connection ended before stream {stream}");
    }
}

using System.Buffers;
using EdgeFleet.Mqtt.Protocol;
using FsCheck;
using FsCheck.Fluent;

namespace EdgeFleet.Mqtt.Tests.Protocol;

public sealed class PacketEncoderTests
{
    private static readonly Gen<string> s_text = Gen.Elements("", "a", "ü", "日本", "🚲", new string('x', 200), "name:1")
        .ListOf().Select(parts => string.Concat(parts)[..Math.Min(400, string.Concat(parts).Length)].TrimEnd('\uD83D'));

    private static readonly Gen<MqttMessage> s_messages =
        from topic in s_text.Select(text => text + "t")
        from size in Gen.Frequency((4, Gen.Choose(0, 100)), (1, Gen.Choose(100, 70_000)))
        from qos in Gen.Elements(MqttQos.AtMostOnce, MqttQos.AtLeastOnce)
        from flags in Gen.Choose(0, 127)
        from contentType in s_text
        from properties in s_text.Two().Select(pair => new MqttUserProperty(pair.Item1, pair.Item2)).ListOf()
        from seconds in Gen.Choose(0, int.MaxValue)
        select new MqttMessage
        {
            Topic = topic,
            Payload = Bytes(size),
            Qos = qos,
            Retain = (flags & 1) != 0,
            PayloadIsText = (flags & 2) != 0,
            ContentType = (flags & 4) != 0 ? contentType : null,
            ResponseTopic = (flags & 8) != 0 ? "r" : null,
            CorrelationData = (flags & 16) != 0 ? Bytes(size % 50) : null,
            MessageExpiry = (flags & 32) != 0 ? TimeSpan.FromSeconds(seconds) : null,
            UserProperties = (flags & 64) != 0 ? [.. properties.Take(PropertyBlock.MaximumUserProperties)] : [],
        };

    [Fact]
    public void A_publish_comes_out_as_it_went_in_and_is_as_long_as_announced() =>
        Prop.ForAll(s_messages.ToArbitrary(), Gen.Choose(1, 65535).ToArbitrary(), Arb.From(Gen.Elements(true, false)), (message, id, duplicate) =>
        {
            ArrayBufferWriter<byte> output = new();
            bool again = duplicate && message.Qos == MqttQos.AtLeastOnce;
            int written = PacketEncoder.Publish(output, message, (ushort)id, again);
            Assert.Equal(output.WrittenCount, written);
            Assert.Equal(written, PacketEncoder.PublishSize(message));

            byte[] bytes = output.WrittenSpan.ToArray();
            PublishPacket packet = PacketDecoder.Publish(bytes[0], PacketDecoderTests.Body(bytes));
            MqttReceivedMessage received = packet.Message!;
            Assert.Equal(message.Qos == MqttQos.AtLeastOnce ? id : 0, packet.PacketId);
            Assert.Equal((message.Topic, message.Qos, message.Retain, again), (received.Topic, received.Qos, received.Retained, received.Duplicate));
            Assert.Equal((message.ContentType, message.ResponseTopic, message.MessageExpiry, message.PayloadIsText),
                (received.ContentType, received.ResponseTopic, received.MessageExpiry, received.PayloadIsText));
            Assert.True(message.Payload.Span.SequenceEqual(received.Payload.Span));
            Assert.Equal(message.CorrelationData?.ToArray(), received.CorrelationData?.ToArray());
            Assert.Equal(message.UserProperties, received.UserProperties);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Packets_come_out_of_a_stream_whole_however_it_is_cut() =>
        Prop.ForAll(s_messages.NonEmptyListOf().ToArbitrary(), Gen.Choose(1, 4000).NonEmptyListOf().ToArbitrary(), (messages, cuts) =>
        {
            ArrayBufferWriter<byte> output = new();
            foreach (MqttMessage message in messages)
            {
                PacketEncoder.Publish(output, message, 1, false);
            }
            ReadOnlySequence<byte> stream = Cut(output.WrittenMemory, [.. cuts]);
            List<MqttReceivedMessage> received = [];
            while (FrameReader.TryRead(ref stream, int.MaxValue, out byte header, out ReadOnlySequence<byte> body))
            {
                received.Add(PacketDecoder.Publish(header, body.ToArray()).Message!);
            }
            Assert.True(stream.IsEmpty);
            Assert.Equal(messages.Select(message => message.Topic), received.Select(message => message.Topic));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    [Fact]
    public void Variable_integers_come_back_in_their_shortest_form() =>
        Prop.ForAll(Gen.OneOf(Gen.Choose(0, 300), Gen.Choose(0, VariableInteger.Maximum), Gen.Elements(127, 128, 16383, 16384, 2097151, 2097152, VariableInteger.Maximum)).ToArbitrary(), value =>
        {
            byte[] buffer = new byte[8];
            PacketWriter writer = new(buffer);
            writer.VariableInteger(value);
            Assert.Equal(BrokerPackets.VariableInteger(value), buffer[..writer.Written]);
            Assert.Equal(VariableInteger.Size(value), writer.Written);
            Assert.Equal(VariableInteger.Result.Complete, VariableInteger.TryRead(buffer.AsSpan(0, writer.Written), out int read, out int length));
            Assert.Equal((value, writer.Written), (read, length));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Connect_is_byte_for_byte_what_the_specification_draws()
    {
        ArrayBufferWriter<byte> output = new();
        MqttSessionOptions options = new()
        {
            Host = "h",
            ClientId = "id",
            UserName = "u",
            Password = "p"u8.ToArray(),
            SessionExpiry = TimeSpan.FromSeconds(60),
            KeepAlive = TimeSpan.FromSeconds(30),
            ReceiveMaximum = 20,
            MaximumPacketSize = 65536,
        };
        MqttWill will = new(new MqttMessage { Topic = "w", Payload = "x"u8.ToArray(), Retain = true, ContentType = "c" }) { Delay = TimeSpan.FromSeconds(5) };

        int written = PacketEncoder.Connect(output, options, cleanStart: true, will);

        Assert.Equal(output.WrittenCount, written);
        Assert.Equal(
            "10" + "32"
            + "00044D515454" + "05" + "EE" // MQTT, version 5, user, password, will retained at QoS 1, clean start
            + "001E"
            + "0D" + "110000003C" + "210014" + "2700010000"
            + "00026964"
            + "09" + "03000163" + "1800000005"
            + "000177" + "000178" + "000175" + "000170",
            Convert.ToHexString(output.WrittenSpan));
    }

    [Fact]
    public void The_small_packets_are_byte_for_byte_what_the_specification_draws()
    {
        Assert.Equal("820700050000016101", Hex(output => PacketEncoder.Subscribe(output, 5, "a", MqttQos.AtLeastOnce)));
        Assert.Equal("820700050000016111", Hex(output => PacketEncoder.Subscribe(output, 5, "a", MqttQos.AtLeastOnce, again: true)));
        Assert.Equal("A2060006000001" + "61", Hex(output => PacketEncoder.Unsubscribe(output, 6, "a")));
        Assert.Equal("40021234", Hex(output => PacketEncoder.PubAck(output, 0x1234, MqttReasonCode.Success)));
        Assert.Equal("4003123483", Hex(output => PacketEncoder.PubAck(output, 0x1234, MqttReasonCode.ImplementationSpecificError)));
        Assert.Equal("C000", Hex(PacketEncoder.PingReq));
        Assert.Equal("E000", Hex(output => PacketEncoder.Disconnect(output, MqttReasonCode.Success)));
        Assert.Equal("E00181", Hex(output => PacketEncoder.Disconnect(output, MqttReasonCode.MalformedPacket)));
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(0.2, 1u)]
    [InlineData(3600, 3600u)]
    [InlineData(1e12, uint.MaxValue)]
    public void A_session_expiry_is_whole_seconds_rounded_up(double seconds, uint expected)
    {
        ArrayBufferWriter<byte> output = new();
        PacketEncoder.Connect(output, new MqttSessionOptions { Host = "h", ClientId = "i", SessionExpiry = TimeSpan.FromSeconds(Math.Min(seconds, 9e11)) }, false, null);
        Assert.Contains($"11{expected:X8}21", Convert.ToHexString(output.WrittenSpan), StringComparison.Ordinal);
    }

    [Fact]
    public void A_session_for_ever_is_the_largest_number()
    {
        ArrayBufferWriter<byte> output = new();
        PacketEncoder.Connect(output, new MqttSessionOptions { Host = "h", ClientId = "i", SessionExpiry = Timeout.InfiniteTimeSpan }, false, null);
        Assert.Contains("11FFFFFFFF21", Convert.ToHexString(output.WrittenSpan), StringComparison.Ordinal);
    }

    private static string Hex(Func<IBufferWriter<byte>, int> write)
    {
        ArrayBufferWriter<byte> output = new();
        Assert.Equal(write(output), output.WrittenCount);
        return Convert.ToHexString(output.WrittenSpan);
    }

    private static byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    private static ReadOnlySequence<byte> Cut(ReadOnlyMemory<byte> bytes, int[] cuts)
    {
        Piece? first = null;
        Piece? last = null;
        for (int i = 0, at = 0; at < bytes.Length; i++)
        {
            int count = Math.Min(cuts[i % cuts.Length], bytes.Length - at);
            last = new Piece(bytes.Slice(at, count), last);
            first ??= last;
            at += count;
        }
        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                previous.Next = this;
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
            }
        }
    }
}

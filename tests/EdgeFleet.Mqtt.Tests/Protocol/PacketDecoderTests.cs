using System.Buffers;
using System.Text;
using EdgeFleet.Mqtt.Protocol;

namespace EdgeFleet.Mqtt.Tests.Protocol;

public sealed class PacketDecoderTests
{
    /// <summary>Whatever a broker or a stranger behind it sends, there is a packet, a known kind of refusal, or a wait for more.</summary>
    [Fact]
    public void Mutated_packets_decode_or_are_refused_and_nothing_else_is_ever_thrown()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        int refused = 0;
        for (int round = 0; round < 60_000; round++)
        {
            byte[] mutated = Mutate(random, BrokerPackets.Corpus[random.Next(BrokerPackets.Corpus.Count)]);
            ReadOnlySequence<byte> buffer = new(mutated);
            try
            {
                while (FrameReader.TryRead(ref buffer, 4096, out byte header, out ReadOnlySequence<byte> body))
                {
                    BrokerPackets.Decode(header, body.ToArray());
                }
            }
            catch (MqttProtocolException refusal)
            {
                Assert.NotNull(refusal.ReasonCode);
                Assert.True(refusal.ReasonCode >= MqttReasonCode.UnspecifiedError, $"{refusal.ReasonCode} is no failure");
                refused++;
            }
            catch (Exception exception)
            {
                Assert.Fail($"seed {seed}, round {round}, {Convert.ToHexString(mutated)}: {exception}");
            }
        }
        // The control: mutations do break packets, and not all of them.
        Assert.InRange(refused, 10_000, 59_000);
    }

    [Fact]
    public void Every_packet_cut_anywhere_waits_for_more_or_is_refused_as_malformed()
    {
        foreach (byte[] packet in BrokerPackets.Corpus)
        {
            for (int length = 0; length < packet.Length; length++)
            {
                ReadOnlySequence<byte> buffer = new(packet.AsMemory(0, length));
                Assert.False(FrameReader.TryRead(ref buffer, 4096, out _, out _));
            }
            // The same bytes under a header that says that this is all.
            ReadOnlySequence<byte> whole = new(packet);
            Assert.True(FrameReader.TryRead(ref whole, 4096, out byte header, out ReadOnlySequence<byte> body));
            for (int length = 0; length < body.Length; length++)
            {
                byte[] cut = body.Slice(0, length).ToArray();
                try
                {
                    BrokerPackets.Decode(header, cut);
                }
                catch (MqttProtocolException refusal)
                {
                    Assert.True(refusal.ReasonCode is MqttReasonCode.MalformedPacket or MqttReasonCode.ProtocolError);
                }
            }
        }
    }

    [Fact]
    public void Connack_gives_what_the_broker_allows()
    {
        ConnAckPacket packet = PacketDecoder.ConnAck(Body(BrokerPackets.Corpus[1]));

        Assert.True(packet.SessionPresent);
        Assert.Equal((20, 100_000u, 10, 3600u, "welcome"), (packet.Properties.ReceiveMaximum!.Value, packet.Properties.MaximumPacketSize!.Value,
            packet.Properties.ServerKeepAliveSeconds!.Value, packet.Properties.SessionExpirySeconds!.Value, packet.Properties.ReasonString!));
    }

    [Theory]
    [InlineData("0001")] // flags without a reason and properties: MQTT 3.1.1 with a refusal
    [InlineData("0005")]
    public void An_old_brokers_refusal_is_an_unsupported_version(string body) =>
        Assert.Equal(MqttReasonCode.UnsupportedProtocolVersion, PacketDecoder.ConnAck(Convert.FromHexString(body)).ReasonCode);

    [Theory]
    [InlineData("connack flags", 0x20, "02000000")]
    [InlineData("connack without properties", 0x20, "0000")]
    [InlineData("connack that refuses and keeps", 0x20, "018700")]
    [InlineData("connack with an unknown reason", 0x20, "000500")]
    [InlineData("connack with bytes after its properties", 0x20, "00000000")]
    [InlineData("receive maximum of zero", 0x20, "000003210000")]
    [InlineData("receive maximum twice", 0x20, "000006210001210002")]
    [InlineData("maximum packet size of zero", 0x20, "0000052700000000")]
    [InlineData("maximum QoS 2", 0x20, "0000022402")]
    [InlineData("a property of PUBLISH in CONNACK", 0x20, "0000022300")]
    [InlineData("an unknown property", 0x20, "0000027F00")]
    [InlineData("a property identifier in two bytes", 0x20, "000003A6000000")]
    [InlineData("properties longer than the packet", 0x20, "00007F210001")]
    [InlineData("flags on CONNACK", 0x21, "000000")]
    [InlineData("publish at QoS 0 marked as duplicate", 0x38, "00016100")]
    [InlineData("publish at QoS 2", 0x34, "000161000100")]
    [InlineData("publish at QoS 3", 0x36, "000161000100")]
    [InlineData("publish with packet id zero", 0x32, "000161000000")]
    [InlineData("publish without a packet id", 0x32, "00016100")]
    [InlineData("publish with a topic longer than the packet", 0x30, "00FF6100")]
    [InlineData("publish with a topic alias", 0x30, "00016103230001")]
    [InlineData("puback with packet id zero", 0x40, "0000")]
    [InlineData("puback of one byte", 0x40, "00")]
    [InlineData("puback with bytes after its properties", 0x40, "0001100000")]
    [InlineData("suback without a reason", 0x90, "000100")]
    [InlineData("suback with two reasons", 0x90, "0001000101")]
    [InlineData("suback with a reason between", 0x90, "00010003")]
    [InlineData("disconnect with a bad string", 0xE0, "8E051F0002C328")]
    public void What_the_specification_forbids_is_refused(string what, byte header, string body)
    {
        MqttProtocolException refusal = Assert.Throws<MqttProtocolException>(() => BrokerPackets.Decode(header, Convert.FromHexString(body)));
        Assert.True(refusal.ReasonCode >= MqttReasonCode.UnspecifiedError, what);
    }

    /// <summary>What a publisher can put into a message must never cost its reader the link.</summary>
    [Fact]
    public void A_fault_in_the_content_is_the_publishers_and_leaves_packet_and_link_alone()
    {
        byte[][] contents =
        [
            BrokerPackets.Publish("", [1], 1, 5),
            BrokerPackets.Publish("a/+", [1], 1, 5),
            BrokerPackets.Publish("a/#", [1], 1, 5),
            BrokerPackets.Publish("a\0b", [1], 1, 5),
            BrokerPackets.Packet(0x32, [0, 2, 0xC3, 0x28, 0, 5, 0, 1]), // a topic that is not UTF-8
            BrokerPackets.Packet(0x32, [0, 3, 0xED, 0xA0, 0x80, 0, 5, 0, 1]), // a surrogate in UTF-8
            BrokerPackets.Publish("a", [1], 1, 5, false, false, [(byte)PropertyId.ContentType, 0, 2, 0xC3, 0x28]),
            BrokerPackets.Publish("a", [1], 1, 5, false, false, BrokerPackets.Property(PropertyId.ContentType, "x"), BrokerPackets.Property(PropertyId.ContentType, "y")),
            BrokerPackets.Publish("a", [1], 1, 5, false, false, BrokerPackets.Property(PropertyId.PayloadFormat, (byte)2)),
            BrokerPackets.Publish("a", [1], 1, 5, false, false, [.. Enumerable.Repeat(BrokerPackets.UserProperty("", ""), PropertyBlock.MaximumUserProperties + 1)]),
        ];
        foreach (byte[] content in contents)
        {
            PublishPacket packet = PacketDecoder.Publish(content[0], Body(content));
            Assert.Null(packet.Message);
            Assert.NotEmpty(packet.Fault!);
            Assert.Equal((MqttQos.AtLeastOnce, 5), (packet.Qos, packet.PacketId));
        }
    }

    [Fact]
    public void As_many_user_properties_as_are_allowed_are_all_there()
    {
        byte[] content = BrokerPackets.Publish("a", [], 0, 0, false, false,
            [.. Enumerable.Range(0, PropertyBlock.MaximumUserProperties).Select(i => BrokerPackets.UserProperty($"n{i}", $"v{i}"))]);

        PublishPacket packet = PacketDecoder.Publish(content[0], Body(content));

        Assert.Equal(PropertyBlock.MaximumUserProperties, packet.Message!.UserProperties.Count);
        Assert.Equal(new MqttUserProperty("n127", "v127"), packet.Message.UserProperties[127]);
    }

    [Fact]
    public void A_packet_that_announces_more_than_the_limit_is_refused_on_its_header()
    {
        ReadOnlySequence<byte> header = new([0x30, 0xFF, 0xFF, 0xFF, 0x7F]);

        MqttProtocolException refusal = Assert.Throws<MqttProtocolException>(() => FrameReader.TryRead(ref header, 1024, out _, out _));

        Assert.Equal(MqttReasonCode.PacketTooLarge, refusal.ReasonCode);
        Assert.Contains("268435460 bytes exceeds the maximum of 1024", refusal.Message);
    }

    [Theory]
    [InlineData("30FFFFFFFF01")]
    [InlineData("308000")]
    [InlineData("30FF00")]
    public void A_length_that_is_too_long_or_not_in_its_shortest_form_is_refused(string bytes)
    {
        ReadOnlySequence<byte> buffer = new(Convert.FromHexString(bytes));
        Assert.Throws<MqttProtocolException>(() => FrameReader.TryRead(ref buffer, int.MaxValue, out _, out _));
    }

    internal static byte[] Body(byte[] packet)
    {
        ReadOnlySequence<byte> buffer = new(packet);
        Assert.True(FrameReader.TryRead(ref buffer, int.MaxValue, out _, out ReadOnlySequence<byte> body));
        return body.ToArray();
    }

    private static byte[] Mutate(Random random, byte[] original)
    {
        List<byte> bytes = [.. original];
        int changes = 1 + random.Next(4);
        for (int i = 0; i < changes && bytes.Count > 0; i++)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                case 3:
                    bytes.Insert(at, (byte)random.Next(256));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, bytes.GetRange(at, random.Next(bytes.Count - at)));
                    break;
            }
        }
        return [.. bytes];
    }
}

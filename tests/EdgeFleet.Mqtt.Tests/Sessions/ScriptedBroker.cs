using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using EdgeFleet.Mqtt.Protocol;
using EdgeFleet.Mqtt.Tests.Brokers;
using EdgeFleet.Mqtt.Tests.Protocol;

namespace EdgeFleet.Mqtt.Tests.Sessions;

/// <summary>A broker that does what the test says, packet by packet, for what no real one can be made to do.</summary>
internal sealed class ScriptedBroker : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<ScriptedLink> _links = [];

    public ScriptedBroker() => _listener.Start();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public MqttSessionOptions Options(string clientId = "scripted") => new()
    {
        Host = "127.0.0.1",
        Port = Port,
        ClientId = clientId,
        ReconnectDelay = TimeSpan.FromMilliseconds(5),
        MaximumReconnectDelay = TimeSpan.FromMilliseconds(20),
        ConnectTimeout = Peers.Patience,
    };

    /// <summary>Waits for the next client and its CONNECT.</summary>
    public async Task<ScriptedLink> AcceptAsync()
    {
        Socket socket = await _listener.AcceptSocketAsync().WaitAsync(Peers.Patience);
        socket.NoDelay = true;
        ScriptedLink link = new(socket);
        _links.Add(link);
        ClientPacket connect = await link.NextAsync();
        Assert.Equal(PacketType.Connect, connect.Type);
        link.Connect = connect;
        return link;
    }

    /// <summary>Accepts the next client with a CONNACK.</summary>
    public async Task<ScriptedLink> AcceptAsync(bool sessionPresent, params byte[][] properties)
    {
        ScriptedLink link = await AcceptAsync();
        await link.SendAsync(BrokerPackets.ConnAck(sessionPresent, MqttReasonCode.Success, properties));
        return link;
    }

    /// <summary>Turns away whoever waits to be accepted.</summary>
    public async Task DrainAsync()
    {
        while (_listener.Pending())
        {
            (await _listener.AcceptSocketAsync()).Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        _listener.Stop();
        foreach (ScriptedLink link in _links)
        {
            link.Close();
        }
        return ValueTask.CompletedTask;
    }
}

/// <summary>One client at a <see cref="ScriptedBroker"/>.</summary>
internal sealed class ScriptedLink(Socket socket)
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public ClientPacket Connect { get; set; } = null!;

    public Task SendAsync(params byte[] bytes) => _stream.WriteAsync(bytes).AsTask();

    /// <summary>The client's next packet.</summary>
    public async Task<ClientPacket> NextAsync() => await ReadAsync().WaitAsync(Peers.Patience) ?? throw new EndOfStreamException("the client closed the link");

    /// <summary>The client's next packet, which must be of that type. Subscriptions that it says again on each link are granted in passing.</summary>
    public async Task<ClientPacket> NextAsync(PacketType type)
    {
        ClientPacket packet = await NextAsync();
        while (packet.Type == PacketType.Subscribe && type != PacketType.Subscribe)
        {
            await SendAsync(BrokerPackets.SubAck(packet.PacketId, MqttReasonCode.GrantedQos1));
            packet = await NextAsync();
        }
        Assert.Equal(type, packet.Type);
        return packet;
    }

    /// <summary>True once the client has closed its side and sent nothing more.</summary>
    public async Task<bool> ClosedAsync() => await ReadAsync().WaitAsync(Peers.Patience) is null;

    public void Close() => _stream.Dispose();

    /// <summary>Ends the link as a killed process does.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        _stream.Dispose();
    }

    private async Task<ClientPacket?> ReadAsync()
    {
        byte[] one = new byte[1];
        try
        {
            if (await _stream.ReadAsync(one) == 0)
            {
                return null;
            }
        }
        catch (IOException)
        {
            return null;
        }
        byte header = one[0];
        int length = 0;
        for (int shift = 0; ; shift += 7)
        {
            await _stream.ReadExactlyAsync(one);
            length |= (one[0] & 0x7F) << shift;
            if (one[0] < 0x80)
            {
                break;
            }
        }
        byte[] body = new byte[length];
        await _stream.ReadExactlyAsync(body);
        return new ClientPacket(header, body);
    }
}

/// <summary>A packet from the client, read without the code under test.</summary>
internal sealed record ClientPacket(byte Header, byte[] Body)
{
    public PacketType Type => (PacketType)(Header >> 4);

    public bool Duplicate => (Header & 8) != 0;

    public string Topic => Encoding.UTF8.GetString(Body, 2, TopicLength);

    public string Payload => Encoding.UTF8.GetString(Body, 2 + TopicLength + 3, Body.Length - TopicLength - 5); // id, and no properties

    /// <summary>Of PUBLISH at QoS 1, PUBACK, SUBSCRIBE and UNSUBSCRIBE.</summary>
    public ushort PacketId => BinaryPrimitives.ReadUInt16BigEndian(Body.AsSpan(Type == PacketType.Publish ? 2 + TopicLength : 0));

    /// <summary>Of PUBACK and DISCONNECT.</summary>
    public MqttReasonCode Reason => Type switch
    {
        PacketType.PubAck => Body.Length > 2 ? (MqttReasonCode)Body[2] : MqttReasonCode.Success,
        PacketType.Disconnect => Body.Length > 0 ? (MqttReasonCode)Body[0] : MqttReasonCode.Success,
        _ => throw new InvalidOperationException($"{Type} has no reason"),
    };

    /// <summary>Of CONNECT.</summary>
    public bool CleanStart => (Body[7] & 2) != 0;

    private int TopicLength => BinaryPrimitives.ReadUInt16BigEndian(Body);
}

using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace EdgeFleet.Grpc.Tests;

/// <summary>A client that puts HTTP/2 frames on the wire as the test says, right or wrong (RFC 9113, 4.1).</summary>
internal sealed class RawHttp2Client : IDisposable
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte ResetStream = 3;
    public const byte Settings = 4;
    public const byte Goodbye = 7;

    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    private readonly TcpClient _tcp = new() { NoDelay = true };

    public NetworkStream Stream => _tcp.GetStream();

    /// <summary>With the preface that a connection begins with, or what stands for it here.</summary>
    public static async Task<RawHttp2Client> ConnectAsync(Uri address, string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    {
        RawHttp2Client client = new();
        await client._tcp.ConnectAsync(address.Host, address.Port);
        await client.Stream.WriteAsync(Encoding.ASCII.GetBytes(preface));
        await client.SendAsync(Settings, 0, 0, []);
        return client;
    }

    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload, int? announcedLength = null)
    {
        byte[] frame = [0, 0, 0, type, flags, 0, 0, 0, 0, .. payload];
        int length = announcedLength ?? payload.Length;
        (frame[0], frame[1], frame[2]) = ((byte)(length >> 16), (byte)(length >> 8), (byte)length);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        return frame;
    }

    /// <summary>A header block without compression (RFC 7541, 6.2.2).</summary>
    public static byte[] Block(params (string Name, string Value)[] headers) =>
        [.. headers.SelectMany(header => (byte[])[0, .. Text(header.Name), .. Text(header.Value)])];

    public Task SendAsync(byte type, byte flags, int stream, byte[] payload) => Stream.WriteAsync(Frame(type, flags, stream, payload)).AsTask();

    public Task BeginCallAsync(int stream, string method) => SendAsync(Headers, EndHeaders, stream, Block(
        (":method", "POST"), (":scheme", "http"), (":path", $"/edgefleet.probe.Probe/{method}"), (":authority", "test"),
        ("content-type", "application/grpc"), ("te", "trailers")));

    /// <summary>The next frame, or null where the server has closed the connection.</summary>
    public async Task<(byte Type, byte Flags, int Stream, byte[] Payload)?> ReadAsync()
    {
        try
        {
            byte[] head = new byte[9];
            await Stream.ReadExactlyAsync(head).AsTask().OrFail();
            byte[] payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await Stream.ReadExactlyAsync(payload).AsTask().OrFail();
            return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
        }
        catch (Exception ex) when (ex is IOException or EndOfStreamException)
        {
            return null;
        }
    }

    public void Dispose() => _tcp.Dispose();

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
}

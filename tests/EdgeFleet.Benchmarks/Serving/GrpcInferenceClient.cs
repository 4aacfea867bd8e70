using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using EdgeFleet.Protocol.OpenInference;
using Google.Protobuf;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>
/// A bare client of gRPC, like <see cref="InferenceClient"/>: one connection, blocking calls, one call at a time, its frames
/// made once but for the stream's number (RFC 9113).
/// </summary>
internal sealed class GrpcInferenceClient : IDisposable
{
    private const int FrameHead = 9;
    private const byte Data = 0;
    private const byte Headers = 1;
    private const byte Settings = 4;
    private const byte Ping = 6;
    private const byte WindowUpdate = 8;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;
    private const byte Ack = 1;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly byte[] _request;
    private readonly int _dataFrame;
    private readonly byte[] _received = new byte[256 * 1024];
    private int _begin;
    private int _end;
    private int _stream = -1;

    public GrpcInferenceClient(string socket, string model, string input, IReadOnlyList<long> shape, ReadOnlySpan<byte> data)
    {
        byte[] message = new ModelInferRequest
        {
            ModelName = model,
            Inputs = { new ModelInferRequest.Types.InferInputTensor { Name = input, Datatype = "FP32", Shape = { shape } } },
            RawInputContents = { ByteString.CopyFrom(data) },
        }.ToByteArray();
        byte[] framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        byte[] headers = Frame(Headers, EndHeaders, Block(
            (":method", "POST"), (":scheme", "http"), (":path", "/inference.GRPCInferenceService/ModelInfer"), (":authority", "runner"),
            ("content-type", "application/grpc"), ("te", "trailers")));
        _dataFrame = headers.Length;
        _request = [.. headers, .. Frame(Data, EndStream, framed)];

        byte[] window = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(window, int.MaxValue - 65_535); // the answers of the whole run, so that none waits for us
        _socket.Connect(new UnixDomainSocketEndPoint(socket));
        Send([.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, []), .. Frame(WindowUpdate, 0, window)]);
    }

    /// <summary>One round trip. Returns the length of the answer's message.</summary>
    /// <exception cref="InvalidOperationException">The runner answered with an error.</exception>
    public int Ask()
    {
        _stream += 2;
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(5), _stream);
        BinaryPrimitives.WriteInt32BigEndian(_request.AsSpan(_dataFrame + 5), _stream);
        Send(_request);
        int length = 0;
        while (true)
        {
            (byte type, byte flags, int stream) = Next(out ReadOnlySpan<byte> payload);
            if (type == Settings && (flags & Ack) == 0)
            {
                Send(Frame(Settings, Ack, []));
            }
            else if (type == Ping && (flags & Ack) == 0)
            {
                Send(Frame(Ping, Ack, payload.ToArray()));
            }
            else if (stream == _stream && type == Data)
            {
                length += payload.Length;
            }
            if (stream == _stream && type is Data or Headers && (flags & EndStream) != 0)
            {
                // An error has trailers and no message.
                return length > 5 ? length - 5 : throw new InvalidOperationException($"the runner answered with an error: {Encoding.UTF8.GetString(payload)}");
            }
        }
    }

    public void Dispose() => _socket.Dispose();

    private (byte Type, byte Flags, int Stream) Next(out ReadOnlySpan<byte> payload)
    {
        Need(FrameHead);
        ReadOnlySpan<byte> head = _received.AsSpan(_begin, FrameHead);
        int length = (head[0] << 16) | (head[1] << 8) | head[2];
        (byte type, byte flags, int stream) = (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head[5..]));
        Need(FrameHead + length);
        payload = _received.AsSpan(_begin + FrameHead, length);
        _begin += FrameHead + length;
        return (type, flags, stream);
    }

    private void Need(int bytes)
    {
        if (_begin == _end)
        {
            (_begin, _end) = (0, 0);
        }
        else if (_begin + bytes > _received.Length)
        {
            _received.AsSpan(_begin, _end - _begin).CopyTo(_received);
            (_begin, _end) = (0, _end - _begin);
        }
        while (_end - _begin < bytes)
        {
            int read = _socket.Receive(_received.AsSpan(_end));
            _end += read > 0 ? read : throw new InvalidOperationException("the runner closed the connection");
        }
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    private static byte[] Frame(byte type, byte flags, byte[] payload) =>
        [(byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, 0, .. payload];

    /// <summary>A header block without compression (RFC 7541, 6.2.2).</summary>
    private static byte[] Block(params (string Name, string Value)[] headers) =>
        [.. headers.SelectMany(header => (byte[])[0, (byte)header.Name.Length, .. Encoding.ASCII.GetBytes(header.Name), (byte)header.Value.Length, .. Encoding.ASCII.GetBytes(header.Value)])];
}

using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace EdgeFleet.Benchmarks.Serving;

/// <summary>
/// A bare client: one connection, blocking calls, one request at a time, the request's bytes made once. What it adds to a
/// round trip is two system calls.
/// </summary>
internal sealed class InferenceClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly byte[] _request;
    private readonly byte[] _answer = new byte[64 * 1024];

    public InferenceClient(string socket, string model, string input, IReadOnlyList<long> shape, ReadOnlySpan<byte> data)
    {
        byte[] json = Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"inputs\":[{{\"name\":\"{input}\",\"shape\":[{string.Join(',', shape)}],\"datatype\":\"FP32\",\"parameters\":{{\"binary_data_size\":{data.Length}}}}}],\"parameters\":{{\"binary_data_output\":true}}}}"));
        byte[] head = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: runner\r\nContent-Type: application/octet-stream\r\nInference-Header-Content-Length: {json.Length}\r\nContent-Length: {json.Length + data.Length}\r\n\r\n"));
        _request = [.. head, .. json, .. data];
        _socket.Connect(new UnixDomainSocketEndPoint(socket));
    }

    /// <summary>One round trip. Returns the answer's bytes, valid until the next.</summary>
    /// <exception cref="InvalidOperationException">The runner answered with an error.</exception>
    public ReadOnlySpan<byte> Ask()
    {
        for (int sent = 0; sent < _request.Length;)
        {
            sent += _socket.Send(_request.AsSpan(sent));
        }
        int received = 0, expected = int.MaxValue;
        while (received < expected)
        {
            int read = _socket.Receive(_answer.AsSpan(received));
            if (read == 0)
            {
                throw new InvalidOperationException("the runner closed the connection");
            }
            received += read;
            if (expected == int.MaxValue)
            {
                expected = LengthOf(_answer.AsSpan(0, received));
            }
        }
        ReadOnlySpan<byte> answer = _answer.AsSpan(0, received);
        return answer.StartsWith("HTTP/1.1 200"u8)
            ? answer
            : throw new InvalidOperationException($"the runner answered: {Encoding.UTF8.GetString(answer)}");
    }

    public void Dispose() => _socket.Dispose();

    private static int LengthOf(ReadOnlySpan<byte> answer)
    {
        int head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return int.MaxValue;
        }
        ReadOnlySpan<byte> name = "Content-Length: "u8;
        ReadOnlySpan<byte> value = answer[(answer.IndexOf(name) + name.Length)..];
        return head + 4 + int.Parse(value[..value.IndexOf((byte)'\r')], NumberStyles.None, CultureInfo.InvariantCulture);
    }
}

using System.Net.Sockets;
using System.Text;
using EdgeFleet.Testing.Onnx;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>Connections as rude applications use them.</summary>
public sealed class ConnectionTests : IAsyncLifetime
{
    private const string Json = """{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[0]}]}""";
    private readonly DeviceState _state = new();
    private RunnerFixture _runner = null!;

    public async Task InitializeAsync()
    {
        _state.Point("add", _state.AddArtifact("add", TinyModel.AddBias([1])));
        _runner = await RunnerFixture.StartAsync(_state);
    }

    [Fact]
    public async Task One_that_goes_away_in_the_middle_of_its_request_harms_nobody()
    {
        for (int i = 0; i < 20; i++)
        {
            using Socket socket = Connect();
            await socket.SendAsync(Encoding.ASCII.GetBytes($"POST /v2/models/add/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {Json.Length}\r\n\r\n{Json[..(i * 3)]}"));
        }
        Assert.Equal(1, await _runner.AnswerToZeroAsync("add"));
        Assert.Equal(0, (await _runner.StatusAsync("add")).Failures);
    }

    [Fact]
    public async Task Requests_sent_without_waiting_are_answered_in_order()
    {
        using Socket socket = Connect();
        StringBuilder requests = new();
        for (int i = 0; i < 10; i++)
        {
            string json = Json.Replace("[0]", $"[{i}]", StringComparison.Ordinal);
            requests.Append(System.Globalization.CultureInfo.InvariantCulture, $"POST /v2/models/add/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {json.Length}\r\n{(i == 9 ? "Connection: close\r\n" : "")}\r\n{json}");
        }
        await socket.SendAsync(Encoding.ASCII.GetBytes(requests.ToString()));

        using StreamReader reader = new(new NetworkStream(socket));
        string answers = await reader.ReadToEndAsync();
        Assert.Equal(
            Enumerable.Range(1, 10).Select(i => $"\"data\":[{i}]"),
            answers.Split('\n').Where(line => line.StartsWith('{')).Select(line => line[line.IndexOf("\"data\"", StringComparison.Ordinal)..(line.IndexOf(']', line.IndexOf("\"data\"", StringComparison.Ordinal)) + 1)]));
    }

    [Fact]
    public async Task What_is_not_http_is_refused()
    {
        using Socket socket = Connect();
        await socket.SendAsync("\0\0\0 hello\r\n\r\n"u8.ToArray());
        using StreamReader reader = new(new NetworkStream(socket));
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    public async Task DisposeAsync()
    {
        await _runner.DisposeAsync();
        _state.Dispose();
    }

    private Socket Connect()
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(_state["infer.sock"]));
        return socket;
    }
}

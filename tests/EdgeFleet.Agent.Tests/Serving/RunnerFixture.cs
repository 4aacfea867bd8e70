using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using EdgeFleet.Agent.Serving;
using EdgeFleet.Agent.Serving.Control;
using EdgeFleet.Testing.Time;

namespace EdgeFleet.Agent.Tests.Serving;

/// <summary>A runner in this process over a device's state, reached over its real sockets.</summary>
internal sealed class RunnerFixture : IAsyncDisposable
{
    private RunnerFixture(DeviceState state, Runner runner, HttpClient http, RunnerClient control, ManualTimeProvider time, LogWatch log) =>
        (State, Runner, Http, Control, Time, Log) = (state, runner, http, control, time, log);

    public DeviceState State { get; }

    public Runner Runner { get; }

    /// <summary>An application's connection.</summary>
    public HttpClient Http { get; }

    /// <summary>The supervisor's connection.</summary>
    public RunnerClient Control { get; }

    public ManualTimeProvider Time { get; }

    public LogWatch Log { get; }

    public static async Task<RunnerFixture> StartAsync(DeviceState state, Func<ServeOptions, ServeOptions>? change = null)
    {
        string socket = state["infer.sock"];
        ServeOptions options = new()
        {
            State = state.Path,
            Listen = [ListenAddress.UnixSocket(socket)],
            Concurrency = 2,
        };
        ManualTimeProvider time = new();
        LogWatch log = new();
        Runner runner = new(change?.Invoke(options) ?? options, time, log);
        await runner.StartAsync(CancellationToken.None);
        return new RunnerFixture(state, runner, ClientOf(socket), new RunnerClient(runner.ControlSocket!), time, log);
    }

    public static HttpClient ClientOf(string socket) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            Socket connection = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://runner"),
    };

    public async Task<(int Status, string Body)> PostAsync(string model, string json)
    {
        using HttpResponseMessage response = await Http.PostAsync($"/v2/models/{model}/infer", new StringContent(json, Encoding.UTF8, "application/json"));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, string Body)> PostLabelsAsync(string model, string json)
    {
        using HttpResponseMessage response = await Http.PostAsync($"/v2/models/{model}/labels", new StringContent(json, Encoding.UTF8, "application/json"));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task<(int Status, string Body)> GetAsync(string path)
    {
        using HttpResponseMessage response = await Http.GetAsync(path);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>One request with binary input and output; the model's only input and output are float rows.</summary>
    public static async Task<(int Status, string Json, float[] Values)> PostBinaryAsync(HttpClient http, string model, params float[] values)
    {
        byte[] data = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();
        byte[] json = Encoding.UTF8.GetBytes(
            $$$"""{"inputs":[{"name":"x","shape":[1,{{{values.Length}}}],"datatype":"FP32","parameters":{"binary_data_size":{{{data.Length}}}}}],"parameters":{"binary_data_output":true}}""");
        using ByteArrayContent content = new([.. json, .. data]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add(RunnerApplication.HeaderLength, json.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
        using HttpResponseMessage response = await http.PostAsync($"/v2/models/{model}/infer", content);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        if (!response.Headers.TryGetValues(RunnerApplication.HeaderLength, out IEnumerable<string>? header))
        {
            return ((int)response.StatusCode, Encoding.UTF8.GetString(body), []);
        }
        int length = int.Parse(header.Single(), System.Globalization.CultureInfo.InvariantCulture);
        return (
            (int)response.StatusCode,
            Encoding.UTF8.GetString(body.AsSpan(0, length)),
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(body.AsSpan(length)).ToArray());
    }

    /// <summary>What a model that adds a bias says to zero: the bias, which tells which digest answered.</summary>
    public async Task<float> AnswerToZeroAsync(string model) => (await PostBinaryAsync(Http, model, 0)).Values.Single();

    public async Task<ModelStatus> StatusAsync(string model) =>
        (await Control.StatusAsync(CancellationToken.None)).Models.Single(status => status.Model == model);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Control.Dispose();
        await Runner.DisposeAsync();
    }
}

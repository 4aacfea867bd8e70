using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Linux.Processes;

namespace EdgeFleet.Testing.Controllers;

/// <summary>
/// A controller in a process of its own, with its own mosquitto, that can be killed and started again on the folder that it
/// left. The project that uses this must have <c>edgefleet-controller.dll</c> beside it.
/// </summary>
public sealed class ControllerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly string _folder;
    private readonly (int Enroll, int Device, int Broker) _ports;
    private readonly StringBuilder _words = new();
    private Process _process;

    private ControllerProcess(string folder, (int Enroll, int Device, int Broker) ports)
    {
        _folder = folder;
        _ports = ports;
        _process = Launch();
    }

    /// <summary>What the controller says of itself in endpoints.json; another document after each start.</summary>
    public JsonNode Endpoints { get; private set; } = new JsonObject();

    /// <summary>The REST interface as the first operator; another client after each start.</summary>
    public HttpClient Operator { get; private set; } = new();

    public int Id => _process.Id;

    public int BrokerId => JsonNode.Parse(File.ReadAllText(Path.Join(_folder, "broker", "process.json")))!["processId"]!.GetValue<int>();

    public string StoreFile => Path.Join(_folder, "store.db");

    /// <param name="releaseKeyPem">A public key whose signature lets an artifact run.</param>
    /// <param name="staysPut">Every start listens where the first did, as agents expect that keep what they were told at their enrolment.</param>
    public static async Task<ControllerProcess> StartAsync(string folder, string releaseKeyPem, bool staysPut = false)
    {
        Directory.CreateDirectory(Path.Join(folder, "trust"));
        await File.WriteAllTextAsync(Path.Join(folder, "trust", "release.pub"), releaseKeyPem);
        ControllerProcess controller = new(folder, staysPut ? (LoopbackPort.FindFree(), LoopbackPort.FindFree(), LoopbackPort.FindFree()) : default);
        await controller.AwaitAsync();
        return controller;
    }

    /// <summary>kill -9, and a new one on the same folder; returns when that answers.</summary>
    public async Task KillAndStartAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        await StartAgainAsync();
    }

    /// <summary>kill -9, with nobody to start it again.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task StartAgainAsync()
    {
        _process.Dispose();
        _process = Launch();
        await AwaitAsync();
    }

    /// <summary>kill -9 of its broker; returns when the controller has another one running.</summary>
    public async Task KillBrokerAsync()
    {
        int victim = BrokerId;
        using (Process broker = Process.GetProcessById(victim))
        {
            broker.Kill();
        }
        long began = Stopwatch.GetTimestamp();
        while (BrokerId == victim)
        {
            RequirePatience(began, "the controller started no other broker");
            await Task.Delay(10);
        }
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        using HttpResponseMessage response = await Operator.GetAsync(path);
        return await ReadAsync(response);
    }

    public async Task<JsonNode> PostAsync(string path, string body, string contentType = "application/json")
    {
        using StringContent content = new(body, Encoding.UTF8, contentType);
        using HttpResponseMessage response = await Operator.PostAsync(path, content);
        return await ReadAsync(response);
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        if (!_process.HasExited)
        {
            // As a supervisor would: it also takes its broker down.
            ProcessSignals.TrySend(_process.Id, ProcessSignal.Terminate);
            await _process.WaitForExitAsync();
        }
        _process.Dispose();
    }

    private Process Launch()
    {
        Process process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Join(AppContext.BaseDirectory, "edgefleet-controller.dll"), "--data", _folder, "--operator-url", "http://127.0.0.1:0",
                "--bind", "127.0.0.1", "--enroll-port", Text(_ports.Enroll), "--device-port", Text(_ports.Device), "--broker-port", Text(_ports.Broker),
            ]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static string Text(int port) => port.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private async Task AwaitAsync()
    {
        string file = Path.Join(_folder, "endpoints.json");
        long began = Stopwatch.GetTimestamp();
        // A controller removes what an earlier one wrote when it takes the folder, and writes its own when it answers.
        while (!File.Exists(file) || !await AnswersAsync(file))
        {
            RequirePatience(began, "the controller does not answer");
            await Task.Delay(20);
        }
    }

    private async Task<bool> AnswersAsync(string file)
    {
        try
        {
            JsonNode endpoints = JsonNode.Parse(await File.ReadAllTextAsync(file))!;
            HttpClient client = new() { BaseAddress = new Uri(endpoints["operatorUrl"]!.GetValue<string>() + "/api/v1/"), Timeout = s_patience };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Join(_folder, "operator.token"))).Trim());
            using HttpResponseMessage response = await client.GetAsync("health");
            Operator.Dispose();
            (Operator, Endpoints) = (client, endpoints);
            return response.IsSuccessStatusCode;
        }
        catch (Exception ex) when (ex is IOException or HttpRequestException or System.Text.Json.JsonException)
        {
            // The earlier one's file, or half of the new one's.
            return false;
        }
    }

    private void RequirePatience(long began, string what)
    {
        if (_process.HasExited || Stopwatch.GetElapsedTime(began) > s_patience)
        {
            lock (_words)
            {
                throw new InvalidOperationException($"{what}; its words: {_words}");
            }
        }
    }

    private void Note(string? line)
    {
        lock (_words)
        {
            _words.AppendLine(line);
        }
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonNode.Parse(text)!
            : throw new InvalidOperationException($"{response.RequestMessage?.RequestUri}: {(int)response.StatusCode} {text}");
    }
}

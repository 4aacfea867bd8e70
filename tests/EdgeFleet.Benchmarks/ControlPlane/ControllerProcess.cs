using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>A controller in a process of its own, with its own broker, in a folder that goes with it.</summary>
internal sealed class ControllerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly string _folder;

    private ControllerProcess(Process process, string folder, JsonNode endpoints, ReleaseKey releaseKey)
    {
        _process = process;
        _folder = folder;
        ReleaseKey = releaseKey;
        EnrollUrl = endpoints["enrollUrl"]!.GetValue<string>();
        DeviceUrl = endpoints["deviceUrl"]!.GetValue<string>();
        MqttHost = endpoints["mqttHost"]!.GetValue<string>();
        MqttPort = endpoints["mqttPort"]!.GetValue<int>();
        RootPem = endpoints["rootPem"]!.GetValue<string>();
        Operator = new HttpClient { BaseAddress = new Uri(endpoints["operatorUrl"]!.GetValue<string>() + "/api/v1/"), Timeout = s_patience };
        Operator.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(Path.Join(folder, "operator.token")).Trim());
    }

    public HttpClient Operator { get; }
    public ReleaseKey ReleaseKey { get; }
    public string EnrollUrl { get; }
    public string DeviceUrl { get; }
    public string MqttHost { get; }
    public int MqttPort { get; }
    public string RootPem { get; }

    public static async Task<ControllerProcess> StartAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        ReleaseKey key = ReleaseKey.Create();
        Directory.CreateDirectory(Path.Join(folder, "trust"));
        await File.WriteAllTextAsync(Path.Join(folder, "trust", "bench.pub"), key.PublicPem(), cancellationToken);
        Process process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                Path.Join(AppContext.BaseDirectory, "edgefleet-controller.dll"), "--data", folder, "--operator-url", "http://127.0.0.1:0",
                "--bind", "127.0.0.1", "--enroll-port", "0", "--device-port", "0", "--broker-port", "0",
            ]) { RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text && !text.Contains(" info: ", StringComparison.Ordinal))
            {
                Console.Error.WriteLine($"   controller: {text}");
            }
        };
        process.BeginOutputReadLine();
        string endpoints = Path.Join(folder, "endpoints.json");
        long began = Stopwatch.GetTimestamp();
        while (!File.Exists(endpoints))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(began) > s_patience)
            {
                throw new InvalidOperationException("the controller did not start; its words are above");
            }
            await Task.Delay(50, cancellationToken);
        }
        return new ControllerProcess(process, folder, JsonNode.Parse(await File.ReadAllTextAsync(endpoints, cancellationToken))!, key);
    }

    public double ResidentMiB => long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) / 1024.0;

    public double CpuSeconds => _process.TotalProcessorTime.TotalSeconds;

    public void Refresh() => _process.Refresh();

    public async Task<string> CreateTokenAsync(int devices, CancellationToken cancellationToken)
    {
        JsonNode reply = await PostAsync("enrollment-tokens", new JsonObject { ["count"] = devices, ["autoApprove"] = true, ["ttlSeconds"] = 3600 }, cancellationToken);
        return reply["token"]!.GetValue<string>();
    }

    public async Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await Operator.GetAsync(path, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    public async Task<JsonNode> PostAsync(string path, JsonNode body, CancellationToken cancellationToken)
    {
        using HttpResponseMessage response = await Operator.PostAsJsonAsync(path, body, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    public async Task<JsonNode> PostYamlAsync(string path, string yaml, CancellationToken cancellationToken)
    {
        using StringContent content = new(yaml, System.Text.Encoding.UTF8, "application/yaml");
        using HttpResponseMessage response = await Operator.PostAsync(path, content, cancellationToken);
        return await ReadAsync(response, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        // SIGTERM, as a supervisor would: it also takes its broker down.
        using (Process stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await stop.WaitForExitAsync();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
        ReleaseKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        string text = await response.Content.ReadAsStringAsync(cancellationToken);
        return response.IsSuccessStatusCode
            ? JsonNode.Parse(text)!
            : throw new InvalidOperationException($"{response.RequestMessage?.RequestUri}: {(int)response.StatusCode} {text}");
    }
}

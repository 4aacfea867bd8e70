using System.Diagnostics;
using System.Text.Json.Nodes;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Linux.SystemFiles;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Benchmarks.ControlPlane;

/// <summary>A controller in a process of its own, with its own broker, in a folder that goes with it; and what it costs.</summary>
internal sealed class ControllerProcess : IAsyncDisposable
{
    private readonly Testing.Controllers.ControllerProcess _controller;
    private readonly string _folder;

    private ControllerProcess(Testing.Controllers.ControllerProcess controller, string folder, ReleaseKey releaseKey)
    {
        _controller = controller;
        _folder = folder;
        ReleaseKey = releaseKey;
    }

    public ReleaseKey ReleaseKey { get; }
    public HttpClient Operator => _controller.Operator;
    public string EnrollUrl => Text("enrollUrl");
    public string DeviceUrl => Text("deviceUrl");
    public string MqttHost => Text("mqttHost");
    public int MqttPort => _controller.Endpoints["mqttPort"]!.GetValue<int>();
    public string RootPem => Text("rootPem");
    public double ResidentMiB => (ProcStatus.Read(KernelFiles.Host, _controller.Id)?.ResidentBytes ?? 0) / 1024.0 / 1024.0;

    public double CpuSeconds
    {
        get
        {
            using Process process = Process.GetProcessById(_controller.Id);
            return process.TotalProcessorTime.TotalSeconds;
        }
    }

    public double StoreMiB => new FileInfo(_controller.StoreFile).Length / 1024.0 / 1024.0;

    public static async Task<ControllerProcess> StartAsync(CancellationToken cancellationToken, bool staysPut = false)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string folder = Directory.CreateTempSubdirectory("edgefleet-bench-").FullName;
        ReleaseKey key = ReleaseKey.Create();
        return new ControllerProcess(await Testing.Controllers.ControllerProcess.StartAsync(folder, key.PublicPem(), staysPut), folder, key);
    }

    /// <summary>kill -9, and a new one on the same folder.</summary>
    public Task KillAndStartAsync() => _controller.KillAndStartAsync();

    public Task KillBrokerAsync() => _controller.KillBrokerAsync();

    public async Task<string> CreateTokenAsync(int devices, CancellationToken cancellationToken)
    {
        JsonNode reply = await PostAsync("enrollment-tokens", new JsonObject { ["count"] = devices, ["autoApprove"] = true, ["ttlSeconds"] = 3600 }, cancellationToken);
        return reply["token"]!.GetValue<string>();
    }

    public Task<JsonNode> GetAsync(string path, CancellationToken cancellationToken) => _controller.GetAsync(path).WaitAsync(cancellationToken);

    public Task<JsonNode> PostAsync(string path, JsonNode body, CancellationToken cancellationToken) => _controller.PostAsync(path, body.ToJsonString()).WaitAsync(cancellationToken);

    public Task<JsonNode> PostYamlAsync(string path, string yaml, CancellationToken cancellationToken) => _controller.PostAsync(path, yaml, "application/yaml").WaitAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _controller.DisposeAsync();
        ReleaseKey.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Text(string name) => _controller.Endpoints[name]!.GetValue<string>();
}

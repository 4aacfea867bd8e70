using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Enrollment;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Certificates;
using EdgeFleet.Trust.Envelopes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace EdgeFleet.Controller.Tests.Support;

/// <summary>A whole controller in this process on ports of the system's choice, and an operator's client.</summary>
internal sealed class TestController : IAsyncDisposable
{
    private TestController(ControllerHost host, ReleaseKey releaseKey, TimeProvider time)
    {
        Time = time;
        Host = host;
        ReleaseKey = releaseKey;
        Operator = Client(File.ReadAllText(Path.Join(host.Options.DataFolder, "operator.token")).Trim());
    }

    public ControllerHost Host { get; }
    public TimeProvider Time { get; }
    public ReleaseKey ReleaseKey { get; }
    public HttpClient Operator { get; }
    public T Service<T>()
        where T : notnull => Host.Services.GetRequiredService<T>();

    public Database Database => Host.Services.GetRequiredService<Database>();
    public IngestDesk Ingest => Host.Services.GetRequiredService<IngestDesk>();
    public RolloutHost Rollouts => Host.Services.GetRequiredService<RolloutHost>();
    public FleetAuthority Authority => Host.Services.GetRequiredService<FleetAuthority>();

    public static async Task<TestController> StartAsync(TemporaryFolder folder, ControllerParts? parts = null, ReleaseKey? releaseKey = null, bool withBroker = false, BrokerOptions? broker = null)
    {
        ReleaseKey key = releaseKey ?? ReleaseKey.Create();
        string trust = folder["data/trust"];
        Directory.CreateDirectory(trust);
        await File.WriteAllTextAsync(Path.Join(trust, "release.pub"), key.PublicPem());
        ControllerHost host = await ControllerHost.StartAsync(
            new ControllerOptions
            {
                DataFolder = folder["data"],
                OperatorUrl = new Uri("http://127.0.0.1:0"),
                BindAddress = IPAddress.Loopback,
                EnrollPort = 0,
                DevicePort = 0,
                BeatInterval = TimeSpan.FromSeconds(30),
                Broker = broker ?? new BrokerOptions { EmbeddedPort = 0 },
            },
            (parts ?? new ControllerParts()) with { WithoutBroker = !withBroker && broker is null, Logging = logging => logging.SetMinimumLevel(LogLevel.None) },
            CancellationToken.None);
        return new TestController(host, key, parts?.Time ?? TimeProvider.System);
    }

    public HttpClient Client(string token)
    {
        HttpClient client = new() { BaseAddress = new Uri(Host.Endpoints.OperatorUrl + "/api/v1/") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    public async Task<string> CreateTokenAsync(JsonObject? request = null)
    {
        JsonNode reply = await PostAsync("enrollment-tokens", request ?? new JsonObject { ["autoApprove"] = true });
        return reply["token"]!.GetValue<string>();
    }

    public async Task<JsonNode> GetAsync(string path)
    {
        using HttpResponseMessage response = await Operator.GetAsync(path);
        return await ReadAsync(response);
    }

    public async Task<JsonNode> PostAsync(string path, JsonNode? body)
    {
        using HttpResponseMessage response = await Operator.PostAsJsonAsync(path, body);
        return await ReadAsync(response);
    }

    public async Task<JsonNode> PostYamlAsync(string path, string yaml)
    {
        using StringContent content = new(yaml, Encoding.UTF8, "application/yaml");
        using HttpResponseMessage response = await Operator.PostAsync(path, content);
        return await ReadAsync(response);
    }

    /// <summary>The status and the sentence of an answer that says no.</summary>
    public async Task<(HttpStatusCode Status, string Detail)> RefusedAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using HttpRequestMessage request = new(method, path) { Content = content };
        using HttpResponseMessage response = await Operator.SendAsync(request);
        Assert.False(response.IsSuccessStatusCode, $"{method} {path} was answered {(int)response.StatusCode}");
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        return (response.StatusCode, JsonNode.Parse(await response.Content.ReadAsStringAsync())!["detail"]!.GetValue<string>());
    }

    public Task<(HttpStatusCode Status, string Detail)> RefusedAsync(string path, JsonNode body) => RefusedAsync(HttpMethod.Post, path, JsonContent.Create(body));

    public async ValueTask DisposeAsync()
    {
        Operator.Dispose();
        await Host.DisposeAsync();
    }

    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{response.RequestMessage?.RequestUri}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }
}

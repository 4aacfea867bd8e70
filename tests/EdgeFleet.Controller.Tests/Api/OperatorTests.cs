using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Api;

/// <summary>Who may call the operator plane.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ReleaseKey _releaseKey = ReleaseKey.Create();

    public void Dispose()
    {
        _releaseKey.Dispose();
        _folder.Dispose();
    }

    private Task<TestController> StartAsync(ControllerParts? parts = null) => TestController.StartAsync(_folder, parts, _releaseKey);

    [Fact]
    public async Task The_token_of_the_first_administrator_holds_over_a_restart()
    {
        string token;
        await using (TestController controller = await StartAsync())
        {
            token = await File.ReadAllTextAsync(_folder["data/operator.token"]);
        }
        await using TestController again = await StartAsync();
        Assert.Equal(token, await File.ReadAllTextAsync(_folder["data/operator.token"]));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(again, token.Trim()));
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_token_that_was_replaced_stays_replaced_over_a_restart(bool fileStays)
    {
        string leaked, replaced;
        await using (TestController controller = await StartAsync())
        {
            leaked = (await File.ReadAllTextAsync(_folder["data/operator.token"])).Trim();
            replaced = (await controller.PostAsync("operators", new JsonObject { ["name"] = "admin", ["role"] = "admin" }))["token"]!.GetValue<string>();
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(controller, leaked));
        }
        if (!fileStays)
        {
            File.Delete(_folder["data/operator.token"]);
        }
        await using ControllerHost again = await HostAsync();

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await StatusAsync(again.Endpoints.OperatorUrl, leaked), await StatusAsync(again.Endpoints.OperatorUrl, replaced)));
        Assert.Equal(fileStays, File.Exists(_folder["data/operator.token"]));
    }

    [Fact]
    public async Task Where_there_is_no_administrator_the_token_in_the_file_makes_one_and_that_is_audited()
    {
        // A start that was cut between the file and the database, and a new database in an old folder.
        await (await StartAsync()).DisposeAsync();
        string token = (await File.ReadAllTextAsync(_folder["data/operator.token"])).Trim();
        foreach (string file in Directory.EnumerateFiles(_folder["data"], "store.db*"))
        {
            File.Delete(file);
        }
        await File.WriteAllBytesAsync(_folder["data/store.new"], []);
        await using TestController controller = await StartAsync();

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(controller, token));
        Assert.Equal(["database.begun-anew", "operator.put"], (await controller.GetAsync("audit"))["items"]!.AsArray().Select(entry => entry!["act"]!.GetValue<string>()));
    }

    [Theory, InlineData("operators"), InlineData("rollbacks"), InlineData("enrollment-tokens"), InlineData("release-keys")]
    public async Task What_a_stranger_sends_is_not_even_read(string path)
    {
        await using TestController controller = await StartAsync();
        using HttpClient stranger = new() { BaseAddress = controller.Operator.BaseAddress };
        using StringContent broken = new("{ this is no JSON", Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await stranger.PostAsync(path, broken);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);

        // The control: of an operator it is read, and complained about.
        using StringContent again = new("{ this is no JSON", Encoding.UTF8, "application/json");
        using HttpResponseMessage known = await controller.Operator.PostAsync(path, again);
        Assert.Equal(HttpStatusCode.BadRequest, known.StatusCode);
    }

    [Fact]
    public async Task A_release_key_is_in_the_log_of_acts_before_anybody_believes_it()
    {
        FullDisk disk = new();
        await using TestController controller = await StartAsync(new ControllerParts { Observer = disk });
        using ReleaseKey second = ReleaseKey.Create();
        disk.IsFull = true;
        using (HttpResponseMessage failed = await controller.Operator.PostAsJsonAsync("release-keys", new JsonObject { ["publicKeyPem"] = second.PublicPem() }))
        {
            Assert.False(failed.IsSuccessStatusCode);
        }
        Assert.Single((await controller.GetAsync("release-keys")).AsArray());

        disk.IsFull = false;
        await controller.PostAsync("release-keys", new JsonObject { ["publicKeyPem"] = second.PublicPem() });
        Assert.Equal(2, (await controller.GetAsync("release-keys")).AsArray().Count);
        Assert.Contains("release-key.added", (await controller.GetAsync("audit")).ToJsonString(), StringComparison.Ordinal);
    }

    private Task<ControllerHost> HostAsync() => ControllerHost.StartAsync(
        new ControllerOptions { DataFolder = _folder["data"], OperatorUrl = new Uri("http://127.0.0.1:0"), BindAddress = IPAddress.Loopback, EnrollPort = 0, DevicePort = 0 },
        new ControllerParts { WithoutBroker = true, Logging = static _ => { } }, CancellationToken.None);

    private static Task<HttpStatusCode> StatusAsync(TestController controller, string token) => StatusAsync(controller.Host.Endpoints.OperatorUrl, token);

    private static async Task<HttpStatusCode> StatusAsync(string url, string token)
    {
        using HttpClient client = new();
        client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using HttpResponseMessage answer = await client.GetAsync(new Uri(url + "/api/v1/operators"));
        return answer.StatusCode;
    }
}

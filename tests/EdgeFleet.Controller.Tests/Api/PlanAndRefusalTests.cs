using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Rollouts;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Api;

/// <summary>What an operator is told before anything happens: what a rollout will do, or why it cannot be done and what to do instead.</summary>
public sealed class PlanAndRefusalTests : IAsyncLifetime
{
    private const string Stages = "[ { bench: {} }, { shadow: {} }, { canary: { devices: 1 } }, { full: {} } ]";
    private readonly TemporaryFolder _folder = new();
    private readonly List<ScriptedDevice> _devices = [];
    private TestController _controller = null!;
    private Digest _before;
    private Digest _candidate;

    /// <summary>Three devices in two hardware classes that serve a first model, and one that serves nothing.</summary>
    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync(_folder);
        _before = await _controller.PublishAsync("v1");
        _candidate = await _controller.PublishVariantAsync("v2", "v1", _before);
        string token = await _controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["count"] = 4, ["labels"] = new JsonObject { ["site"] = "lab" } });
        foreach ((string id, int threads, bool serves) in new[] { ("dev-1", 1, true), ("dev-2", 2, true), ("dev-3", 2, true), ("dev-4", 1, false) })
        {
            ScriptedDevice device = await ScriptedDevice.EnrollAsync(_controller, id, token, threads);
            await device.ConnectAsync();
            device.Active = serves ? _before : null;
            await device.ReportStateAsync();
            _devices.Add(device);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (ScriptedDevice device in _devices)
        {
            await device.DisposeAsync();
        }
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    private static string Spec(Digest candidate, string strategy = "staged", string selector = "", string model = "fashion") =>
        RolloutRig.Spec(strategy == "install" ? "[ { full: {} } ]" : Stages, strategy, selector: selector).Replace(RolloutRig.Candidate.ToString(), candidate.ToString(), StringComparison.Ordinal)
            .Replace("model: fashion", $"model: {model}", StringComparison.Ordinal);

    private async Task<string> RefusedAsync(HttpStatusCode status, string spec, string path = "rollouts")
    {
        using StringContent content = new(spec, Encoding.UTF8, "application/yaml");
        (HttpStatusCode answered, string detail) = await _controller.RefusedAsync(HttpMethod.Post, path, content);
        Assert.Equal((status, ""), (answered, answered == status ? "" : detail));
        return detail;
    }

    /// <summary>Refused in the same words by the plan and by the rollout, and nothing is left behind.</summary>
    private async Task RefusedTwiceAsync(HttpStatusCode status, string spec, params string[] words)
    {
        string refused = await RefusedAsync(status, spec);
        Assert.All(words, word => Assert.Contains(word, refused, StringComparison.Ordinal));
        Assert.Equal(refused, await RefusedAsync(status, spec, "rollouts/plan"));
    }

    [Fact]
    public async Task The_plan_names_the_exact_devices_and_what_each_class_needs_and_changes_nothing()
    {
        JsonNode audit = await _controller.GetAsync("audit");

        JsonNode plan = await _controller.PostYamlAsync("rollouts/plan", Spec(_candidate));

        JsonArray classes = plan["classes"]!.AsArray();
        Assert.Equal([["dev-1"], ["dev-2", "dev-3"]], classes.Select(c => c!["deviceIds"]!.AsArray().Select(id => id!.GetValue<string>()).ToArray()));
        Assert.Equal([1, 2], classes.Select(c => c!["devices"]!.GetValue<int>()));
        Assert.Equal(["bench", "shadow", "canary", "full"], classes[0]!["stages"]!.AsArray().Select(stage => stage!["stage"]!.GetValue<string>()));
        Assert.Contains("census", classes[0]!["sentence"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal("dev-4", Assert.Single(plan["notDrawn"]!.AsArray())!["id"]!.GetValue<string>());
        Assert.Empty((await _controller.GetAsync("rollouts")).AsArray());
        Assert.Equal(audit.ToJsonString(), (await _controller.GetAsync("audit")).ToJsonString());
        Assert.All(_devices, device => Assert.Equal(0, device.Generation));
    }

    [Fact]
    public async Task What_was_planned_is_what_is_drawn_and_is_shown_with_the_rollout()
    {
        JsonNode plan = await _controller.PostYamlAsync("rollouts/plan", Spec(_candidate));
        JsonNode created = await _controller.PostYamlAsync("rollouts", Spec(_candidate));
        JsonNode events = await _controller.GetAsync($"rollouts/{created["id"]}/events?after=1&waitMs=20000");
        Assert.Equal("devicesDrawn", events["items"]![0]!["kind"]!.GetValue<string>());

        JsonNode rollout = await _controller.GetAsync($"rollouts/{created["id"]}");

        // The devices of each stage too: the order was not drawn anew.
        JsonNode planned = await _controller.GetAsync($"rollouts/{created["id"]}/plan");
        Assert.Equal(StageDevices(plan), StageDevices(planned));
        Assert.Equal(plan["classes"]!.ToJsonString(), planned["classes"]!.ToJsonString());
        Assert.Null(rollout["classes"]![0]!["plan"]!["stages"]![0]!["deviceIds"]);
        Assert.Equal(plan["classes"]!.AsArray().Select(c => c!["sentence"]!.GetValue<string>()), rollout["classes"]!.AsArray().Select(c => c!["plan"]!["sentence"]!.GetValue<string>()));
        Assert.Equal(["dev-1", "dev-2", "dev-3"], rollout["devices"]!.AsArray().Select(d => d!["id"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.Equal(3, rollout["classes"]!.AsArray().Sum(c => c!["phases"]!.AsObject().Sum(phase => phase.Value!.GetValue<int>())));
    }

    private static string[] StageDevices(JsonNode plan) =>
        [.. plan["classes"]!.AsArray().SelectMany(c => c!["stages"]!.AsArray().Select(stage => $"{stage!["stage"]}: {stage["deviceIds"]?.ToJsonString()}"))];

    [Fact]
    public async Task A_device_that_names_the_rollout_with_another_model_too_spoils_nobodys_view_of_it()
    {
        string id = (await _controller.PostYamlAsync("rollouts", Spec(_candidate)))["id"]!.GetValue<string>();
        await _controller.GetAsync($"rollouts/{id}/events?after=1&waitMs=20000");
        foreach ((string model, string phase) in new[] { ("fashion", "Staged"), ("other", "Committed") })
        {
            await _controller.Database.WriteAsync(
                "report",
                transaction => IngestStore.PutDeployment(transaction, new IncomingReport.Deployment("dev-1", 1, model.Length, model, _candidate, id, 1, 1, Enum.Parse<DeploymentPhase>(phase), "", "", false, "", null), 1),
                CancellationToken.None);
        }

        JsonNode rollout = await _controller.GetAsync($"rollouts/{id}");

        Assert.Equal("staged", rollout["devices"]!.AsArray().Single(d => d!["id"]!.GetValue<string>() == "dev-1")!["phase"]!.GetValue<string>());
        Assert.Single((await _controller.GetAsync("rollouts")).AsArray());
    }

    [Fact]
    public async Task The_description_of_the_interface_has_the_plan()
    {
        using HttpClient open = new();
        JsonNode description = JsonNode.Parse(await open.GetStringAsync(_controller.Host.Endpoints.OperatorUrl + "/openapi/v1.json"))!;

        Assert.Equal("getRolloutPlan", description["paths"]!["/api/v1/rollouts/{id}/plan"]!["get"]!["operationId"]!.GetValue<string>());
        Assert.Equal("planRollout", description["paths"]!["/api/v1/rollouts/plan"]!["post"]!["operationId"]!.GetValue<string>());
        Assert.Contains("leastObservations", description["components"]!["schemas"]!["ClassPlanDocument"]!["properties"]!.AsObject().Select(p => p.Key));
    }

    [Fact]
    public async Task A_rollout_of_what_is_not_here_is_refused_with_the_way_out()
    {
        Digest nowhere = Digest.Of([99]);
        await RefusedTwiceAsync(HttpStatusCode.UnprocessableEntity, Spec(nowhere), nowhere.ToString(), "not published here", "edgefleet artifact list");
        await RefusedTwiceAsync(HttpStatusCode.UnprocessableEntity, Spec(_candidate, model: "fashon"), "of model 'fashion', not 'fashon'");
        Assert.Empty((await _controller.GetAsync("rollouts")).AsArray());
    }

    [Fact]
    public async Task A_rollout_that_no_device_could_take_part_in_is_refused_with_the_reasons()
    {
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(_candidate, selector: "site == \"hall\""), "'site == \"hall\"' matches none of 4 approved device(s)", "hardware classes are", "edgefleet device list");
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(_candidate, selector: "hardwareClass == \"orin\""), "'hardwareClass == \"orin\"' matches none");
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(_candidate, selector: "deviceId == \"dev-4\""), "none can take part: dev-4 is unprovisioned");
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(_before), "4 device(s) match", "3 such as dev-1: serves the candidate already", "dev-4 is unprovisioned");
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(_candidate, "install", "deviceId == \"dev-1\""), "strategy install is for unprovisioned devices");
        await RefusedTwiceAsync(
            HttpStatusCode.UnprocessableEntity, Spec(await PublishForAsync("orin-8g")), "the candidate is not meant for hardware class");
        Assert.Empty((await _controller.GetAsync("rollouts")).AsArray());
    }

    [Fact]
    public async Task A_device_that_is_only_silent_now_is_no_reason_to_refuse()
    {
        await _controller.Database.WriteAsync(
            "age", transaction => transaction.Execute("UPDATE devices SET reported_at = NULL, last_seen_at = NULL, presence_at = NULL WHERE id = 'dev-1'"), CancellationToken.None);
        _devices[0].Disconnect();
        JsonNode plan;
        do
        {
            // Until the controller has seen the stream end, too.
            await _controller.Database.WriteAsync(
                "age", transaction => transaction.Execute("UPDATE devices SET last_seen_at = NULL WHERE id = 'dev-1'"), CancellationToken.None);
            plan = await _controller.PostYamlAsync("rollouts/plan", Spec(_candidate, selector: "deviceId == \"dev-1\""));
        }
        while (plan["notDrawn"]!.AsArray().Count == 0);

        Assert.Equal("was never heard of", plan["notDrawn"]![0]!["reason"]!.GetValue<string>());
        Assert.Empty(plan["classes"]!.AsArray());
        await _controller.PostYamlAsync("rollouts", Spec(_candidate, selector: "deviceId == \"dev-1\""));
    }

    [Fact]
    public async Task A_second_rollout_of_a_model_is_refused_while_one_runs_and_allowed_when_that_is_aborted()
    {
        JsonNode first = await _controller.PostYamlAsync("rollouts", Spec(_candidate, selector: "deviceId == \"dev-1\""));
        string id = first["id"]!.GetValue<string>();
        // It begins by itself a moment later, and the refusal names its phase: both answers shall see the same one.
        JsonNode seen = new JsonObject { ["last"] = 0 };
        while ((await _controller.GetAsync($"rollouts/{id}"))["state"]!.GetValue<string>() == "pending")
        {
            seen = await _controller.GetAsync($"rollouts/{id}/events?waitMs=20000&after={seen["last"]}");
        }

        await RefusedTwiceAsync(HttpStatusCode.Conflict, Spec(_candidate), $"rollout '{id}' (trial) of model 'fashion'", $"edgefleet rollout abort {id}");

        await _controller.PostAsync($"rollouts/{id}/abort", new JsonObject { ["reason"] = "the other one" });
        JsonNode events = await _controller.GetAsync($"rollouts/{id}/events?waitMs=20000");
        while (!events["ended"]!.GetValue<bool>())
        {
            events = await _controller.GetAsync($"rollouts/{id}/events?waitMs=20000&after={events["last"]}");
        }
        Assert.Contains("spec.attempt is 2", await RefusedAsync(HttpStatusCode.Conflict, Spec(_candidate)), StringComparison.Ordinal);
        await _controller.PostYamlAsync("rollouts/plan", Spec(_candidate).Replace("attempt: 1", "attempt: 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_rollback_of_what_is_not_here_is_refused_with_the_way_out()
    {
        Digest nowhere = Digest.Of([99]);
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashon" }, "model 'fashon'", "nothing was ever activated", "models here are fashion");
        // What devices say that they serve is named, but none of it is taken for the newest.
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion" }, "nothing was ever activated from here", $"devices serve {_before} (3 device(s)). Name what they serve with --from");
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion", ["from"] = nowhere.ToString() }, $"{nowhere} was never published", "edgefleet artifact list");
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion", ["from"] = _before.ToString(), ["to"] = nowhere.ToString() }, $"{nowhere} is not a published artifact");
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion", ["from"] = _before.ToString(), ["selector"] = "site == \"hall\"" }, "selector 'site == \"hall\"' matches no approved device", "edgefleet device list");
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion", ["from"] = _before.ToString(), ["to"] = _before.ToString() }, "are both");
        Assert.Null((await _controller.GetAsync($"artifacts/{_before.Hex}"))["barred"]);
        Assert.All(_devices, device => Assert.Equal(0, device.Generation));
    }

    [Fact]
    public async Task Text_that_nobody_would_write_by_hand_is_refused()
    {
        string longText = new('x', 5000);
        await RollbackRefusedAsync(new JsonObject { ["model"] = "fashion", ["reason"] = longText }, HttpStatusCode.BadRequest, "reason: 5000 characters; at most 1024");
        Assert.Contains("at most 1024", (await _controller.RefusedAsync("devices/dev-1/revoke", new JsonObject { ["reason"] = longText })).Detail, StringComparison.Ordinal);
        Assert.Contains("a value has at most 256", (await _controller.RefusedAsync(
            "enrollment-tokens", new JsonObject { ["labels"] = new JsonObject { ["site"] = longText } })).Detail, StringComparison.Ordinal);
        (HttpStatusCode status, string detail) = await _controller.RefusedAsync("rollbacks", new JsonObject { ["model"] = "fashion", ["reason"] = new string('x', 9 << 20) });
        Assert.Equal((HttpStatusCode.RequestEntityTooLarge, "the request has more than 8388608 bytes; files go to PUT /api/v1/content/{sha256}"), (status, detail));
        // Brackets without end: the reader must not follow them until its stack is used up.
        Assert.Equal(HttpStatusCode.BadRequest, (await NestedAsync('[', 200_000)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await NestedAsync('{', 200_000)).Status);
        Assert.Equal("active", (await _controller.GetAsync("devices/dev-1"))["state"]!.GetValue<string>());

        async Task<(HttpStatusCode Status, string Detail)> NestedAsync(char bracket, int depth)
        {
            using StringContent content = new($"spec: {new string(bracket, depth)}", Encoding.UTF8, "application/yaml");
            return await _controller.RefusedAsync(HttpMethod.Post, "rollouts/plan", content);
        }
    }

    private Task RollbackRefusedAsync(JsonObject wish, params string[] words) => RollbackRefusedAsync(wish, HttpStatusCode.UnprocessableEntity, words);

    private async Task RollbackRefusedAsync(JsonObject wish, HttpStatusCode expected, params string[] words)
    {
        (HttpStatusCode status, string detail) = await _controller.RefusedAsync("rollbacks", wish);
        Assert.Equal(expected, status);
        Assert.All(words, word => Assert.Contains(word, detail, StringComparison.Ordinal));
    }

    /// <summary>An artifact whose manifest names the only hardware that it is meant for.</summary>
    private async Task<Digest> PublishForAsync(string hardwareClass)
    {
        byte[] model = TestArtifacts.Model("v3");
        await _controller.PutContentAsync(model);
        DsseEnvelope envelope = (TestArtifacts.Manifest(model) with { HardwareClasses = [hardwareClass] }).Sign(_controller.ReleaseKey);
        await _controller.PostAsync("artifacts", TestArtifacts.Request(envelope, overrideReason: "for one hardware class"));
        return envelope.DigestOf();
    }
}

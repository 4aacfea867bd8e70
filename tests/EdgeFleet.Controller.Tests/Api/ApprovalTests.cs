using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Tests.Rollouts;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Testing;

namespace EdgeFleet.Controller.Tests.Api;

/// <summary>Approvals by role, over the operator plane.</summary>
public sealed class ApprovalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Only_who_holds_the_role_lets_the_stage_begin_and_the_log_keeps_who_tried_and_who_did()
    {
        await using TestController controller = await TestController.StartAsync(_folder);
        Digest before = await controller.PublishAsync("v1");
        Digest candidate = await controller.PublishVariantAsync("v2", "v1", before);
        await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(controller, "dev-1", await controller.CreateTokenAsync(), 1);
        await device.ConnectAsync();
        device.Active = before;
        await device.ReportStateAsync();
        string spec = RolloutRig.Spec("[ { bench: { approval: release-manager } }, { shadow: {} }, { full: {} } ]", candidate: candidate);

        JsonNode plan = await controller.PostYamlAsync("rollouts/plan", spec);
        Assert.Equal("a person's approval in role 'release-manager'", plan["classes"]![0]!["stages"]![0]!["approvalAsked"]!.GetValue<string>());
        string id = (await controller.PostYamlAsync("rollouts", spec))["id"]!.GetValue<string>();
        await controller.GetAsync($"rollouts/{id}/events?after=1&waitMs=20000");
        Assert.Equal("bench waits for a person's approval in role 'release-manager'", (await controller.GetAsync($"rollouts/{id}"))["classes"]![0]!["reason"]!.GetValue<string>());

        Assert.Equal((HttpStatusCode.Forbidden, "asks for a person's approval in role 'release-manager', which bob does not hold"), await ApproveAsync(controller, id, "bob", new JsonArray("safety")));
        Assert.Equal("awaitingApproval", (await controller.GetAsync($"rollouts/{id}"))["state"]!.GetValue<string>());
        // An administrator who did not give it to himself does not hold it either.
        Assert.Equal(HttpStatusCode.Forbidden, (await controller.RefusedAsync($"rollouts/{id}/approve", new JsonObject())).Status);
        Assert.Equal(HttpStatusCode.OK, (await ApproveAsync(controller, id, "maria", new JsonArray("safety", "release-manager"))).Status);
        Assert.Equal("running", (await controller.GetAsync($"rollouts/{id}"))["state"]!.GetValue<string>());

        JsonNode audit = await controller.GetAsync("audit");
        Assert.True(audit["intact"]!.GetValue<bool>());
        Assert.Equal(
            [("bob", "rollout.approve-denied"), ("admin", "rollout.approve-denied"), ("maria", "rollout.approve")],
            audit["items"]!.AsArray().Where(entry => entry!["act"]!.GetValue<string>().StartsWith("rollout.approve", StringComparison.Ordinal))
                .Select(entry => (entry!["actor"]!.GetValue<string>(), entry["act"]!.GetValue<string>())));
        Assert.Equal([["release-manager", "safety"]], (await controller.GetAsync("operators")).AsArray().Where(o => o!["name"]!.GetValue<string>() == "maria")
            .Select(o => o!["approves"]!.AsArray().Select(role => role!.GetValue<string>()).Order().ToArray()));
    }

    [Theory, InlineData("Release Manager", "approves 'Release Manager': expected"), InlineData("admin", "approves 'admin': that is a role of the ladder")]
    public async Task An_approval_role_that_cannot_be_is_refused(string name, string expected)
    {
        await using TestController controller = await TestController.StartAsync(_folder);

        (HttpStatusCode status, string detail) = await controller.RefusedAsync("operators", new JsonObject { ["name"] = "bob", ["role"] = "operator", ["approves"] = new JsonArray(name) });

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(expected, detail, StringComparison.Ordinal);
        Assert.Single((await controller.GetAsync("operators")).AsArray());
    }

    private static async Task<(HttpStatusCode Status, string Detail)> ApproveAsync(TestController controller, string id, string name, JsonArray approves)
    {
        JsonNode made = await controller.PostAsync("operators", new JsonObject { ["name"] = name, ["role"] = "operator", ["approves"] = approves });
        using HttpClient client = controller.Client(made["token"]!.GetValue<string>());
        using HttpResponseMessage answer = await client.PostAsJsonAsync($"rollouts/{id}/approve", new JsonObject());
        JsonNode body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        return (answer.StatusCode, body["detail"]?.GetValue<string>() is { } detail ? detail[detail.IndexOf("asks", StringComparison.Ordinal)..] : "");
    }
}

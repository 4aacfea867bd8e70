using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Store;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Controller.Webhooks;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Webhooks;

/// <summary>Who is told of events, with a real receiver.</summary>
public sealed class WebhookTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ReleaseKey _releaseKey = ReleaseKey.Create();
    private readonly ManualTime _time = new();

    public void Dispose()
    {
        _releaseKey.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Every_event_of_a_rollout_and_of_a_device_is_told_once_in_order_and_signed()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using TestController controller = await StartAsync();
        await DeviceEventAsync(controller, "before");
        JsonNode made = await AddAsync(controller, receiver.Url);
        await AddRolloutAsync(controller);
        await RolloutEventAsync(controller, "stagePromoted", "on to canary");
        await DeviceEventAsync(controller, "runner-away");
        await RolloutEventAsync(controller, "classTakenBack", "harmed beyond the margin");

        Received[] told = [await receiver.NextAsync(), await receiver.NextAsync(), await receiver.NextAsync()];
        Assert.Equal(["io.edgefleet.rollout.stagePromoted", "io.edgefleet.device.runner-away", "io.edgefleet.rollout.classTakenBack"], told.Select(e => e.Type));
        Assert.Equal(3, told.Select(e => e.Id).Distinct().Count());
        JsonNode last = told[2].Event;
        Assert.Equal(("1.0", "/edgefleet/default/rollouts/r1", "orin"), (last["specversion"]!.GetValue<string>(), last["source"]!.GetValue<string>(), last["subject"]!.GetValue<string>()));
        Assert.Equal(("fashion", "harmed beyond the margin"), (last["data"]!["model"]!.GetValue<string>(), last["data"]!["message"]!.GetValue<string>()));
        Assert.Equal("kept", told[1].Event["data"]!["data"]!["why"]!.GetValue<string>());
        Assert.StartsWith("application/cloudevents+json", told[0].ContentType, StringComparison.Ordinal);

        byte[] key = Convert.FromBase64String(made["secret"]!.GetValue<string>()["whsec_".Length..]);
        foreach (Received e in told)
        {
            Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{e.Id}.{e.Timestamp}.{e.Body}"))), e.Signature);
            Assert.Equal(_time.GetUtcNow().ToUnixTimeSeconds(), e.Timestamp);
        }
        // The secret is shown where it is made, and never again.
        Assert.DoesNotContain("whsec_", (await controller.GetAsync("webhooks")).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_signature_is_that_of_the_published_example() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        WebhookSignature.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, """{"test": 2432232314}"""u8));

    [Theory, InlineData(500), InlineData(302), InlineData(404)]
    public async Task An_event_that_was_not_taken_is_sent_again_later_with_the_same_id_and_none_is_overtaken(int status)
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using TestController controller = await StartAsync();
        JsonNode made = await AddAsync(controller, receiver.Url);
        receiver.Answer(status, status);
        await DeviceEventAsync(controller, "first");
        await DeviceEventAsync(controller, "second");

        Received refused = await receiver.NextAsync();
        JsonNode waiting = await ShownAsync(controller, made, shown => shown["failures"]!.GetValue<int>() == 1);
        Assert.Contains(status.ToString(System.Globalization.CultureInfo.InvariantCulture), waiting["lastError"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(2, waiting["pending"]!.GetValue<long>());

        _time.Advance(TimeSpan.FromSeconds(6));
        Received again = await receiver.NextAsync();
        await ShownAsync(controller, made, shown => shown["failures"]!.GetValue<int>() == 2);
        _time.Advance(TimeSpan.FromSeconds(16));
        Received taken = await receiver.NextAsync();
        Received next = await receiver.NextAsync();

        Assert.Equal((refused.Id, refused.Id, "io.edgefleet.device.second"), (again.Id, taken.Id, next.Type));
        JsonNode done = await ShownAsync(controller, made, shown => shown["pending"]!.GetValue<long>() == 0);
        Assert.Equal((0, null), (done["failures"]!.GetValue<int>(), done["lastError"]));
    }

    [Fact]
    public async Task What_was_not_told_when_the_controller_ended_is_told_when_it_is_back()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using (TestController controller = await StartAsync())
        {
            JsonNode made = await AddAsync(controller, receiver.Url);
            receiver.Answer(503);
            await DeviceEventAsync(controller, "late");
            await receiver.NextAsync();
            await ShownAsync(controller, made, shown => shown["failures"]!.GetValue<int>() == 1);
        }
        _time.Advance(TimeSpan.FromMinutes(1));
        await using TestController again = await StartAsync();
        Assert.Equal("io.edgefleet.device.late", (await receiver.NextAsync()).Type);
    }

    [Fact]
    public async Task A_receiver_that_hangs_keeps_only_itself_waiting_and_one_that_wants_less_is_told_less()
    {
        await using WebhookReceiver hanging = await WebhookReceiver.StartAsync();
        await using WebhookReceiver picky = await WebhookReceiver.StartAsync();
        await using TestController controller = await StartAsync();
        hanging.Hangs = true;
        await AddAsync(controller, hanging.Url);
        await AddAsync(controller, picky.Url, "rollout.*", "device.runner-away");
        await AddRolloutAsync(controller);
        await DeviceEventAsync(controller, "gap");
        await RolloutEventAsync(controller, "created", "");
        await DeviceEventAsync(controller, "runner-away");

        Assert.Equal("io.edgefleet.rollout.created", (await picky.NextAsync()).Type);
        Assert.Equal("io.edgefleet.device.runner-away", (await picky.NextAsync()).Type);
        Assert.Equal("io.edgefleet.device.gap", (await hanging.NextAsync()).Type);
    }

    [Fact]
    public async Task Events_are_kept_only_while_somebody_waits_for_them_and_at_most_a_week()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using TestController controller = await StartAsync();
        await DeviceEventAsync(controller, "nobody-listens");
        Assert.Equal(0, await FeedAsync(controller));

        JsonNode made = await AddAsync(controller, receiver.Url);
        await DeviceEventAsync(controller, "heard");
        await receiver.NextAsync();
        await ShownAsync(controller, made, shown => shown["pending"]!.GetValue<long>() == 0);
        Assert.Equal(0, await FeedAsync(controller));

        receiver.Answer([.. Enumerable.Repeat(500, 100)]);
        await DeviceEventAsync(controller, "lost");
        await receiver.NextAsync();
        _time.Advance(TimeSpan.FromDays(8));
        await controller.Service<Housekeeping>().TidyAsync(CancellationToken.None);
        Assert.Equal((1, 0), ((await ShownAsync(controller, made, _ => true))["missed"]!.GetValue<long>(), await FeedAsync(controller)));
    }

    [Theory]
    [InlineData("ftp://example.org/x", "*", "url 'ftp://example.org/x'")]
    [InlineData("not an address", "*", "url 'not an address'")]
    [InlineData("https://user:secret@example.org/", "*", "password in an address")]
    [InlineData("https://example.org/", "everything", "event 'everything'")]
    [InlineData("https://example.org/", "device.a,b", "event 'device.a,b'")]
    public async Task What_is_no_address_and_no_event_is_refused_by_its_name(string url, string pattern, string said)
    {
        await using TestController controller = await StartAsync();
        using HttpResponseMessage response = await controller.Operator.PostAsJsonAsync("webhooks", new { url, events = new[] { pattern } });
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        string text = await response.Content.ReadAsStringAsync();
        Assert.Contains(said, JsonNode.Parse(text)!["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret@", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_test_is_sent_at_once_and_says_what_the_receiver_answered()
    {
        await using WebhookReceiver receiver = await WebhookReceiver.StartAsync();
        await using TestController controller = await StartAsync();
        string path = $"webhooks/{(await AddAsync(controller, receiver.Url))["id"]!.GetValue<string>()}";
        using HttpResponseMessage taken = await controller.Operator.PostAsync($"{path}/test", null);
        Assert.Equal((HttpStatusCode.NoContent, "io.edgefleet.controller.test"), (taken.StatusCode, (await receiver.NextAsync()).Type));
        receiver.Answer(403);
        using HttpResponseMessage refused = await controller.Operator.PostAsync($"{path}/test", null);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains("it answered 403", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using HttpResponseMessage removed = await controller.Operator.DeleteAsync(path);
        using HttpResponseMessage unknown = await controller.Operator.PostAsync($"{path}/test", null);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NotFound), (removed.StatusCode, unknown.StatusCode));
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private async Task<TestController> StartAsync()
    {
        TestController controller = await TestController.StartAsync(_folder, new ControllerParts { Time = _time }, _releaseKey);
        await controller.Service<Housekeeping>().FirstRound;
        return controller;
    }

    private static async Task<JsonNode> AddAsync(TestController controller, string url, params string[] events) =>
        await controller.PostAsync("webhooks", new JsonObject { ["url"] = url, ["events"] = new JsonArray([.. events.Select(e => (JsonNode)e)]) });

    /// <summary>The webhook as the controller shows it, as soon as it is as asked.</summary>
    private static async Task<JsonNode> ShownAsync(TestController controller, JsonNode made, Func<JsonNode, bool> until)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(30));
        while (true)
        {
            JsonNode shown = (await controller.GetAsync("webhooks")).AsArray().Single(row => row!["id"]!.GetValue<string>() == made["id"]!.GetValue<string>())!;
            if (until(shown))
            {
                return shown;
            }
            await Task.Delay(20, limit.Token);
        }
    }

    private static Task<long> FeedAsync(TestController controller) => controller.Database.ReadAsync(session => WebhookStore.CountAfter(session, 0), CancellationToken.None);

    private Task DeviceEventAsync(TestController controller, string type) => controller.Database.WriteAsync(
        "event", transaction => IngestStore.PutEvent(transaction, "dev-1", 1, 1, type, "fashion", "detail", """{"why":"kept"}""", Now), CancellationToken.None);

    private static Task AddRolloutAsync(TestController controller) => controller.Database.WriteAsync(
        "rollout", transaction => RolloutStore.Add(transaction, new RolloutRow { Id = "r1", Ordinal = 1, Name = "int8", Model = "fashion", State = "{}", Phase = "Running" }), CancellationToken.None);

    private Task RolloutEventAsync(TestController controller, string kind, string message) => controller.Database.WriteAsync(
        "event", transaction => RolloutStore.AddEvent(transaction, "r1", Now, "orin", kind, message), CancellationToken.None);
}

using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using EdgeFleet.Controller.Tests.Support;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Testing;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Controller.Tests.Artifacts;

/// <summary>What may be published, and what a refusal says.</summary>
public sealed class PublishingTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly byte[] _base = TestArtifacts.Model("base");
    private readonly byte[] _variant = TestArtifacts.Model("variant");
    private TestController _controller = null!;
    private Digest _baseline;

    public async Task InitializeAsync()
    {
        _controller = await TestController.StartAsync(_folder);
        _baseline = await _controller.PublishAsync("base");
        await _controller.PutContentAsync(_variant);
    }

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        _folder.Dispose();
    }

    private static Digest Of(string text) => Digest.Of(Encoding.UTF8.GetBytes(text));

    private Task<(HttpStatusCode Status, string Detail)> RefusedAsync(ArtifactManifest manifest, string? evidence, ReleaseKey? key = null) =>
        _controller.RefusedAsync("artifacts", TestArtifacts.Request(manifest.Sign(key ?? _controller.ReleaseKey), evidence));

    [Fact]
    public async Task A_variant_whose_suite_passed_is_published_and_again_changes_nothing()
    {
        string evidence = TestArtifacts.Evidence(_variant, _base);
        DsseEnvelope envelope = TestArtifacts.Manifest(_variant, _baseline, Of(evidence)).Sign(_controller.ReleaseKey);

        JsonNode first = await _controller.PostAsync("artifacts", TestArtifacts.Request(envelope, evidence));
        JsonNode again = await _controller.PostAsync("artifacts", TestArtifacts.Request(envelope, evidence));

        Assert.Equal((false, true), (first["known"]!.GetValue<bool>(), again["known"]!.GetValue<bool>()));
        JsonNode shown = await _controller.GetAsync($"artifacts/{envelope.DigestOf()}");
        Assert.Equal("pass", shown["verdict"]!.GetValue<string>());
        Assert.Equal(_variant.Length, shown["sizeBytes"]!.GetValue<long>());
        byte[] kept = await _controller.Operator.GetByteArrayAsync($"artifacts/{envelope.DigestOf()}/manifest");
        Assert.Equal(envelope.DigestOf(), DsseEnvelope.Parse(kept).DigestOf());
    }

    [Fact]
    public async Task An_artifact_that_no_release_key_signed_is_refused_and_so_is_one_that_was_changed()
    {
        using ReleaseKey other = ReleaseKey.Create();
        ArtifactManifest manifest = TestArtifacts.Manifest(_base);

        (HttpStatusCode status, string detail) = await RefusedAsync(manifest, null, other);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains(other.KeyId[..12], detail, StringComparison.Ordinal);

        JsonObject request = TestArtifacts.Request(manifest.Sign(_controller.ReleaseKey));
        request["envelope"]!["payload"] = Convert.ToBase64String((manifest with { Version = "2" }).ToBytes());
        (_, detail) = await _controller.RefusedAsync("artifacts", request);
        Assert.Contains("does not match the content", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_file_is_named_with_how_to_send_it_and_a_wrong_size_with_both()
    {
        byte[] absent = TestArtifacts.Model("absent");
        (HttpStatusCode status, string detail) = await RefusedAsync(TestArtifacts.Manifest(absent), null);
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains($"PUT /api/v1/content/{Digest.Of(absent).Hex}", detail, StringComparison.Ordinal);

        ArtifactManifest manifest = TestArtifacts.Manifest(_base);
        (_, detail) = await RefusedAsync(manifest with { Files = [manifest.Files[0] with { SizeBytes = 33 }] }, null);
        Assert.Contains("32 bytes are here, the manifest says 33", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evidence_that_is_missing_failed_or_about_something_else_is_refused()
    {
        string pass = TestArtifacts.Evidence(_variant, _base);
        string fail = TestArtifacts.Evidence(_variant, _base, "fail");
        string otherCandidate = TestArtifacts.Evidence(TestArtifacts.Model("other"), _base);
        string otherBaseline = TestArtifacts.Evidence(_variant, TestArtifacts.Model("other"));

        await SaysAsync(null, Of(pass), "no evidence");
        await SaysAsync(fail, Of(fail), "accuracy dropped by 47 points");
        await SaysAsync(otherCandidate, Of(otherCandidate), "evidence is about candidate");
        await SaysAsync(otherBaseline, Of(otherBaseline), "evidence compares with baseline");
        await SaysAsync(pass + " ", Of(pass), "is not the one that was signed");
        await SaysAsync(pass, null, "the manifest names none");
        await SaysAsync("[]", Of("[]"), "evidence is about candidate (none)");
        await SaysAsync("no json", Of("no json"), "not JSON");

        async Task SaysAsync(string? evidence, Digest? signed, string why)
        {
            (HttpStatusCode status, string detail) = await RefusedAsync(TestArtifacts.Manifest(_variant, _baseline, signed), evidence);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
            Assert.Contains(why, detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Evidence_speaks_for_the_external_data_that_it_was_made_with_and_no_other()
    {
        byte[] weights = TestArtifacts.Model("weights"), others = TestArtifacts.Model("other weights");
        foreach (byte[] content in new[] { weights, others })
        {
            await _controller.PutContentAsync(content);
        }
        string without = TestArtifacts.Evidence(_variant, _base), with = WithExternalData(without, "w.bin", weights);

        await SaysAsync(with, ("w.bin", others), "with other external data than 'w.bin'");
        await SaysAsync(with, ("v.bin", weights), "with other external data than 'v.bin'");
        await SaysAsync(without, ("w.bin", weights), "with other external data than 'w.bin'");
        await SaysAsync(with, null, "with other external data than none");
        await _controller.PostAsync("artifacts", TestArtifacts.Request(Manifest(with, ("w.bin", weights)).Sign(_controller.ReleaseKey), with));

        ArtifactManifest Manifest(string shown, (string Name, byte[] Content)? external)
        {
            ArtifactManifest manifest = TestArtifacts.Manifest(_variant, _baseline, Of(shown));
            return external is { } file
                ? manifest with { Files = [.. manifest.Files, new ArtifactFile(file.Name, file.Content.Length, Digest.Of(file.Content), ArtifactRole.ExternalData)] }
                : manifest;
        }

        async Task SaysAsync(string shown, (string, byte[])? external, string why)
        {
            (HttpStatusCode status, string detail) = await RefusedAsync(Manifest(shown, external), shown);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
            Assert.Contains(why, detail, StringComparison.Ordinal);
        }

        static string WithExternalData(string shown, string name, byte[] content)
        {
            JsonNode document = JsonNode.Parse(shown)!;
            document["candidate"]!["externalData"] = new JsonArray(new JsonObject { ["file"] = name, ["sha256"] = Digest.Of(content).ToString() });
            return document.ToJsonString();
        }
    }

    [Fact]
    public async Task Evidence_that_says_pass_and_names_what_it_missed_is_refused()
    {
        string edited = TestArtifacts.Evidence(_variant, _base, "fail").Replace("\"fail\"", "\"pass\"", StringComparison.Ordinal);

        (_, string detail) = await RefusedAsync(TestArtifacts.Manifest(_variant, _baseline, Of(edited)), edited);

        Assert.Contains("says pass and names criteria that were missed: accuracy dropped by 47 points", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaving_the_baseline_out_of_the_manifest_spares_no_variant_its_evidence()
    {
        string fail = TestArtifacts.Evidence(_variant, _base, "fail");
        string otherCandidate = TestArtifacts.Evidence(TestArtifacts.Model("other"), _base);
        string otherBaseline = TestArtifacts.Evidence(_variant, TestArtifacts.Model("other"));

        await SaysAsync(fail, Of(fail), "accuracy dropped by 47 points");
        await SaysAsync(otherCandidate, Of(otherCandidate), $"evidence is about candidate {Digest.Of(TestArtifacts.Model("other"))}");
        await SaysAsync(otherBaseline, Of(otherBaseline), "which is the model file of no published artifact of 'fashion'");
        await SaysAsync(null, Of(fail), $"{Of(fail)} was signed, so it has to be shown");
        await SaysAsync(null, null, "'fashion' has published artifacts already");

        async Task SaysAsync(string? evidence, Digest? signed, string why)
        {
            (HttpStatusCode status, string detail) = await RefusedAsync(TestArtifacts.Manifest(_variant, null, signed), evidence);
            Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
            Assert.Contains(why, detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_baseline_that_the_manifest_does_not_name_is_found_by_what_the_evidence_compares_with()
    {
        string evidence = TestArtifacts.Evidence(_variant, _base);
        DsseEnvelope envelope = TestArtifacts.Manifest(_variant, null, Of(evidence)).Sign(_controller.ReleaseKey);

        await _controller.PostAsync("artifacts", TestArtifacts.Request(envelope, evidence));

        JsonNode shown = await _controller.GetAsync($"artifacts/{envelope.DigestOf()}");
        Assert.Equal((_baseline.ToString(), "pass"), (shown["baseline"]!.GetValue<string>(), shown["verdict"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Evidence_that_did_not_pass_refuses_even_the_first_artifact_of_a_model()
    {
        string fail = TestArtifacts.Evidence(_variant, _base, "fail");
        ArtifactManifest first = TestArtifacts.Manifest(_variant, null, Of(fail)) with { Model = "other" };

        (HttpStatusCode status, string detail) = await RefusedAsync(first, fail);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains("accuracy dropped by 47 points", detail, StringComparison.Ordinal);

        await _controller.PostAsync("artifacts", TestArtifacts.Request((first with { Evidence = null }).Sign(_controller.ReleaseKey)));
    }

    [Fact]
    public async Task An_override_publishes_what_the_evidence_does_not_carry_and_is_audited_with_the_reason()
    {
        string fail = TestArtifacts.Evidence(_variant, _base, "fail");
        DsseEnvelope envelope = TestArtifacts.Manifest(_variant, _baseline, Of(fail)).Sign(_controller.ReleaseKey);

        await _controller.PostAsync("artifacts", TestArtifacts.Request(envelope, fail, "to see the gate stop it"));

        Assert.Equal("fail", (await _controller.GetAsync($"artifacts/{envelope.DigestOf()}"))["verdict"]!.GetValue<string>());
        JsonNode audit = await _controller.GetAsync("audit?verify=true");
        Assert.True(audit["intact"]!.GetValue<bool>());
        JsonNode entry = audit["items"]!.AsArray().Single(item => item!["act"]!.GetValue<string>() == "artifact.override")!;
        Assert.Contains("to see the gate stop it", entry["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("accuracy dropped", entry["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_override_does_not_stand_in_for_a_signature_or_for_content()
    {
        using ReleaseKey other = ReleaseKey.Create();
        (HttpStatusCode status, _) = await _controller.RefusedAsync(
            "artifacts", TestArtifacts.Request(TestArtifacts.Manifest(_variant, _baseline).Sign(other), null, "please"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);

        (status, _) = await _controller.RefusedAsync(
            "artifacts", TestArtifacts.Request(TestArtifacts.Manifest(TestArtifacts.Model("absent")).Sign(_controller.ReleaseKey), null, "please"));
        Assert.Equal(HttpStatusCode.Conflict, status);
    }

    [Fact]
    public async Task A_baseline_has_to_be_published_and_of_the_same_model()
    {
        Digest unknown = Digest.Of([9]);
        (HttpStatusCode status, string detail) = await RefusedAsync(TestArtifacts.Manifest(_variant, unknown), null);
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains(unknown.ToString(), detail, StringComparison.Ordinal);

        (_, detail) = await RefusedAsync(TestArtifacts.Manifest(_variant, _baseline) with { Model = "other" }, null);
        Assert.Contains("of model 'other'", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_contract_is_refused_unless_it_names_the_applications_that_can_use_it()
    {
        await _controller.Database.WriteAsync(
            "assign",
            transaction => EdgeFleet.Controller.Store.AssignmentStore.Put(transaction, new() { Model = "fashion", Digest = _baseline.ToString(), RolloutId = "r1" }),
            CancellationToken.None);
        ArtifactManifest changed = TestArtifacts.Manifest(_variant) with
        {
            Contract = TestArtifacts.Contract with { Outputs = [new TensorSpec("logits", "FP32", [-1, 11])] },
        };

        (HttpStatusCode status, string detail) = await RefusedAsync(changed, null);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains("output 0: logits:FP32[-1,10] against logits:FP32[-1,11]", detail, StringComparison.Ordinal);

        await _controller.PostAsync("artifacts", TestArtifacts.Request((changed with { ApplicationVersions = ["camera-app 2.1"] }).Sign(_controller.ReleaseKey), overrideReason: "another head"));
    }

    [Fact]
    public async Task Content_is_stored_only_under_the_digest_that_it_has()
    {
        byte[] content = [1, 2, 3];
        using ByteArrayContent body = new(content);
        (HttpStatusCode status, string detail) = await _controller.RefusedAsync(HttpMethod.Put, $"content/{Digest.Of([4]).Hex}", body);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.Contains(Digest.Of(content).ToString(), detail, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_folder["data/content/partial"]));

        using HttpRequestMessage head = new(HttpMethod.Head, $"content/{Digest.Of([4]).Hex}");
        using HttpResponseMessage absent = await _controller.Operator.SendAsync(head);
        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
        await _controller.PutContentAsync(content);
        Assert.Equal(content, await _controller.Operator.GetByteArrayAsync($"content/{Digest.Of(content).Hex}"));
    }

    [Fact]
    public async Task Publishing_names_the_devices_that_do_not_believe_the_key_it_is_signed_by()
    {
        using ReleaseKey older = ReleaseKey.Create();
        string token = await _controller.CreateTokenAsync(new JsonObject { ["autoApprove"] = true, ["count"] = 3 });
        // The third has not said what it believes, as an agent of before would not.
        foreach ((string id, string[] keys) in ((string, string[])[])[("dev-1", [older.KeyId]), ("dev-2", [older.KeyId, _controller.ReleaseKey.KeyId]), ("dev-3", [])])
        {
            await using ScriptedDevice device = await ScriptedDevice.EnrollAsync(_controller, id, token);
            EdgeFleet.Protocol.V1.Reported reported = new() { Header = device.Header(), Facts = ScriptedDevice.Facts() };
            reported.ReleaseKeyIds.AddRange(keys);
            await device.SendAsync(device.OwnTopics.Reported, reported);
        }

        JsonNode published = await _controller.PostAsync(
            "artifacts", TestArtifacts.Request(TestArtifacts.Manifest(_base).Sign(_controller.ReleaseKey), null));

        string warning = published["warning"]!.GetValue<string>();
        Assert.StartsWith($"1 of the fleet's devices do not believe the release key {_controller.ReleaseKey.KeyId[..12]}", warning, StringComparison.Ordinal);
        Assert.Contains("(dev-1)", warning, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_larger_than_allowed_is_not_kept()
    {
        EdgeFleet.Controller.Artifacts.ContentStore store = new(_folder["small"], maximumBytes: 1000, TimeProvider.System);
        byte[] content = new byte[1001];
        using MemoryStream stream = new(content);

        Assert.IsType<EdgeFleet.Controller.Artifacts.PutResult.TooLarge>(await store.PutAsync(Digest.Of(content), stream, CancellationToken.None));

        Assert.Null(store.SizeOf(Digest.Of(content)));
        Assert.Empty(Directory.EnumerateFiles(_folder["small/partial"]));
    }
}

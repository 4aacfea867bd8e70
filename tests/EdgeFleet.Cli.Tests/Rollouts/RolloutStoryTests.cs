using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using EdgeFleet.Cli.Tests.Models;
using EdgeFleet.Cli.Tests.Terminal;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Linux.Processes;
using EdgeFleet.Testing;
using EdgeFleet.Testing.Controllers;
using EdgeFleet.Testing.Onnx;
using EdgeFleet.Trust.Envelopes;

namespace EdgeFleet.Cli.Tests.Rollouts;

/// <summary>The commands as an operator types them, against a real controller and the hollow devices of <c>edgefleet simulate</c>.</summary>
public sealed class RolloutStoryTests : IAsyncLifetime
{
    private const int Devices = 3;
    private readonly TemporaryFolder _folder = new();
    private readonly ReleaseKey _releaseKey = ReleaseKey.Create();
    private ControllerProcess _controller = null!;
    private Process? _fleet;

    public async Task InitializeAsync() => _controller = await ControllerProcess.StartAsync(_folder["data"], _releaseKey.PublicPem());

    public async Task DisposeAsync()
    {
        if (_fleet is { HasExited: false })
        {
            ProcessSignals.TrySend(_fleet.Id, ProcessSignal.Terminate);
            await _fleet.WaitForExitAsync();
        }
        _fleet?.Dispose();
        await _controller.DisposeAsync();
        _releaseKey.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_rollout_says_what_it_will_do_does_that_and_is_explained()
    {
        string file = WriteRollout();
        Digest baseline = await PublishAsync("v1");
        await StartFleetAsync();
        string[] install = ["rollout", "apply", "-f", file, "--set", $"candidate={baseline}", "--set", "strategy=install", "--set", "stages=[ { full: {} } ]"];

        EdgefleetProcess dry = Run([.. install, "--dry-run"]);
        Assert.Equal((0, ""), (dry.ExitCode, dry.Errors));
        Assert.All(Enumerable.Range(1, Devices), i => Assert.Contains($"sim-{i}", dry.Output, StringComparison.Ordinal));
        Assert.Contains("gated on invariants only", dry.Output, StringComparison.Ordinal);
        Assert.Contains("nothing was changed", dry.Output, StringComparison.Ordinal);
        Assert.Equal("[]", Run("rollout", "list", "-o", "json").Output.Trim());

        EdgefleetProcess applied = Run([.. install, "--wait"]);
        Assert.True(applied.ExitCode == 0, applied.Errors + applied.Output);
        int plan = applied.Output.IndexOf("gated on invariants only", StringComparison.Ordinal);
        int start = applied.Output.IndexOf("has started", StringComparison.Ordinal);
        Assert.True(plan >= 0 && start > plan, applied.Output);

        Digest candidate = await PublishAsync("v2", baseline);
        string[] staged = ["rollout", "apply", "-f", file, "--set", $"candidate={candidate}", "--set", "strategy=staged", "--set", "stages=[ { bench: {} }, { shadow: {} }, { canary: { devices: 1, approval: true } }, { full: {} } ]"];
        JsonNode planned = JsonNode.Parse(Run([.. staged, "--dry-run", "-o", "json"]).Output)!;
        Assert.Equal(["sim-1", "sim-2", "sim-3"], planned["classes"]![0]!["deviceIds"]!.AsArray().Select(id => id!.GetValue<string>()));
        EdgefleetProcess asked = Run(["rollout", "plan", .. staged[3..]]);
        Assert.Equal((0, ""), (asked.ExitCode, asked.Errors));
        Assert.Contains("NEEDS, IF PERFECT  IF AS THE BASELINE  IF HALF THE MARGIN WORSE\ndisagreement  15 points   9 windows ", asked.Output, StringComparison.Ordinal);
        Assert.Contains("are sampled); devices that are asked less take longer", asked.Output, StringComparison.Ordinal);
        Assert.Contains("a person's approval", asked.Output, StringComparison.Ordinal);
        string canary = planned["classes"]![0]!["stages"]![2]!["deviceIds"]![0]!.GetValue<string>();
        Task<EdgefleetProcess> watching = Task.Run(() => Run([.. staged, "--wait"]));
        string waits = await ShownAsync("waiting for approval");
        Assert.Contains("'edgefleet rollout approve story'", waits, StringComparison.Ordinal);
        await AssertWatchedOnATerminalAsync();
        Assert.Contains("paused", Run("rollout", "pause", "story").Output, StringComparison.Ordinal);
        Assert.Contains("paused", Run("rollout", "list").Output, StringComparison.Ordinal);
        Run("rollout", "resume", "story");
        Run("rollout", "approve", "story");
        EdgefleetProcess watched = await watching;
        Assert.True(watched.ExitCode == 0, watched.Errors + watched.Output);
        Assert.Contains("3 committed", watched.Errors, StringComparison.Ordinal);
        Assert.Contains("'edgefleet rollout approve story' goes on", watched.Errors, StringComparison.Ordinal);

        Assert.Contains($"canary  1: {canary}", asked.Output, StringComparison.Ordinal);
        EdgefleetProcess known = Run("rollout", "plan", "story", "--devices");
        Assert.Contains("pairs/s a device, as measured in r2", known.Output, StringComparison.Ordinal);
        Assert.Contains("'nobody.yaml' is not there", Run("rollout", "plan", "nobody.yaml").Errors, StringComparison.Ordinal);
        EdgefleetProcess shown = Run("rollout", "show", "story");
        Assert.Contains("census: each device needs at least", shown.Output, StringComparison.Ordinal);
        JsonNode document = JsonNode.Parse(Run("rollout", "show", "story", "-o", "json").Output)!;
        Assert.Equal((Devices, Devices), (document["deviceCount"]!.GetValue<int>(), document["devices"]!.AsArray().Count));
        EdgefleetProcess explained = Run("rollout", "explain", "story");
        Assert.Equal(0, explained.ExitCode);
        Assert.Contains("recomputed bit for bit", explained.Output, StringComparison.Ordinal);
        Assert.Contains(" = margin 15 points + noise ", explained.Output, StringComparison.Ordinal);
        Assert.StartsWith("r2 story: fashion to ", explained.Output, StringComparison.Ordinal);
        Assert.Contains("\nsimulated-4g-default-none-none-1t: 3 device(s), census: each device needs at least", explained.Output, StringComparison.Ordinal);
        Assert.Contains("    decided last, ", explained.Output, StringComparison.Ordinal);
        Assert.Contains($"what to do next:\n  nothing; should it prove wrong later: 'edgefleet rollback fashion --from {candidate}'\n", explained.Output, StringComparison.Ordinal);
        AssertExplainedElsewhere(explained.Output);

        string[] listed = Run("artifact", "list").Output.TrimEnd().Split('\n');
        Assert.Equal(["MODEL", "VERSION", "DIGEST", "SIZE", "EVIDENCE", "CREATED"], listed[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal([candidate.ToString(), baseline.ToString()], listed[1..].Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2]));
        Assert.Equal(["none,overridden", "first"], listed[1..].Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4]));
        Assert.Equal(3, Run("rollout", "list").Output.TrimEnd().Split('\n').Length);

        Digest never = await PublishAsync("v30", baseline);
        EdgefleetProcess refused = Run("rollback", "fashion", "--to", never.ToString());
        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.Contains($"none of the {Devices} device(s) that serve {candidate} holds {never}", refused.Errors, StringComparison.Ordinal);
        EdgefleetProcess nothing = Run("rollback", "fashion", "--from", never.ToString());
        Assert.Equal((0, $"nothing to do: no device serves {never}; newcomers do not get it either\n"), (nothing.ExitCode, nothing.Output));
        EdgefleetProcess back = Run("rollback", "fashion", "--from", candidate.ToString(), "--to", baseline.ToString());
        Assert.True(back.ExitCode == 0, back.Errors + back.Output);
        Assert.Contains($"{Devices} of {Devices} device(s) serve {baseline}; the slowest after", back.Output, StringComparison.Ordinal);
        Assert.Contains($"newcomers get {baseline}\n", back.Output, StringComparison.Ordinal);

        string[] again = ["rollout", "apply", "-f", file, "--set", $"candidate={never}", "--set", "strategy=staged", "--set", "stages=[ { bench: { approval: true } }, { shadow: {} }, { full: {} } ]\n  attempt: 2"];
        EdgefleetProcess third = Run(again);
        Assert.True(third.ExitCode == 0, third.Errors);
        EdgefleetProcess second = Run(again);
        Assert.Contains("abort it ('edgefleet rollout abort r3 --reason …')", second.Errors, StringComparison.Ordinal);
        EdgefleetProcess aborted = Run("rollout", "abort", "story", "--reason", "not tonight");
        Assert.Contains("not tonight; 'edgefleet rollout watch r3' shows the devices go back", aborted.Output, StringComparison.Ordinal);
        Assert.StartsWith("r3: aborted by", aborted.Output, StringComparison.Ordinal);
        EdgefleetProcess newest = Run("rollout", "show", "story");
        Assert.Contains("'story' is also the name of r2, r1; this is r3", newest.Errors, StringComparison.Ordinal);
        Assert.StartsWith("r3 story ", newest.Output, StringComparison.Ordinal);

        EdgefleetProcess ended = Run("rollout", "watch", "r3");
        Assert.Equal(1, ended.ExitCode);
        EdgefleetProcess retried = Run("rollout", "retry", "r3");
        Assert.StartsWith("rollout r4 has started as attempt 3;", retried.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_begin_is_refused_with_its_reason_and_exit_code_one()
    {
        string file = WriteRollout();
        Digest baseline = await PublishAsync("v1");
        await StartFleetAsync();

        EdgefleetProcess unknown = Apply(Digest.Of([9]), "");
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("is not published here; 'edgefleet artifact list'", unknown.Errors, StringComparison.Ordinal);
        EdgefleetProcess nobody = Apply(baseline, "site == \"moon\"");
        Assert.Equal(1, nobody.ExitCode);
        Assert.Contains($"selector 'site == \"moon\"' matches none of {Devices} approved device(s)", nobody.Errors, StringComparison.Ordinal);
        EdgefleetProcess rollback = Run("rollback", "fashon");
        Assert.Equal(1, rollback.ExitCode);
        Assert.Contains("models here are fashion", rollback.Errors, StringComparison.Ordinal);

        EdgefleetProcess two = Run("device", "list", "--limit", "2");
        Assert.Contains($"{Devices} device(s) ({Devices} active, {Devices} on line); 1 not shown", two.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("sim-3", two.Output, StringComparison.Ordinal);

        EdgefleetProcess member = Run("device", "remove", "sim-1");
        Assert.Equal(1, member.ExitCode);
        Assert.Contains("'edgefleet device revoke sim-1", member.Errors, StringComparison.Ordinal);
        Run("device", "revoke", "sim-1", "--reason", "scrapped");
        Assert.Contains("removed sim-1", Run("device", "remove", "sim-1").Output, StringComparison.Ordinal);
        Assert.DoesNotContain("sim-1", Run("device", "list").Output, StringComparison.Ordinal);

        EdgefleetProcess Apply(Digest candidate, string selector) => Run(
            "rollout", "apply", "-f", file, "--set", $"candidate={candidate}", "--set", "strategy=install", "--set", $"stages=[ {{ full: {{}} }} ]\n  selector: '{selector}'", "--dry-run");
    }

    /// <summary>Ctrl-C gives the terminal back as it was, and says that the rollout goes on.</summary>
    private async Task AssertWatchedOnATerminalAsync()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(60));
        using TerminalProcess terminal = TerminalProcess.Start("rollout", "watch", "r2", "--controller-data", _folder["data"]);
        await terminal.ShowsAsync("bench (passed) > ", patience.Token);
        await terminal.ShowsAsync("'edgefleet rollout approve story' goes on", patience.Token);
        int exitCode = await terminal.LeaveAsync(patience.Token);

        int entered = terminal.Seen.IndexOf("\e[?1049h", StringComparison.Ordinal);
        int left = terminal.Seen.IndexOf("\e[?25h\e[?1049l", StringComparison.Ordinal);
        int said = terminal.Seen.IndexOf("no longer watched; the rollout goes on: 'edgefleet rollout watch r2'", StringComparison.Ordinal);
        Assert.True(entered >= 0 && left > entered && said > left, terminal.Seen);
        Assert.Equal(3, exitCode);
    }

    /// <summary>The exported file says the same without a controller, and finds a number that was changed in it.</summary>
    private void AssertExplainedElsewhere(string explained)
    {
        string file = _folder["evidence.json"];
        EdgefleetProcess exported = Run("rollout", "export", "r2", "--out", file);
        Assert.Equal((0, ""), (exported.ExitCode, exported.Errors));

        EdgefleetProcess elsewhere = EdgefleetProcess.Run("rollout", "explain", "--file", file);
        Assert.Equal((0, ""), (elsewhere.ExitCode, elsewhere.Errors));
        // The controller adds up the devices' reports as well; how long ago something was moves on.
        Assert.Equal(Comparable(explained), Comparable(elsewhere.Output));
        Assert.Contains(" verdict(s) recomputed bit for bit, 0 DIFFER\n", elsewhere.Output, StringComparison.Ordinal);

        JsonNode evidence = JsonNode.Parse(File.ReadAllText(file))!;
        JsonNode entry = evidence["verdicts"]!.AsArray().First(e => e!["verdict"]!["metrics"]!.AsArray().Any(m => m!["estimate"] is not null))!;
        double was = entry["verdict"]!["harmLogE"]!.GetValue<double>();
        entry["verdict"]!["harmLogE"] = was + 0.5;
        AssertFound($"harmLogE: stored {(was + 0.5).ToString("R", CultureInfo.InvariantCulture)}, computed {was.ToString("R", CultureInfo.InvariantCulture)}");
        entry["verdict"]!["harmLogE"] = JsonNode.Parse(was.ToString("R", CultureInfo.InvariantCulture));
        entry["input"]!["margins"]!["disagreementPoints"] = 99;
        AssertFound("DIFFERS: the margins hash to ");

        Refused("{\"kind\":\"other\"}", "holds no evidence of a rollout");
        Refused("{\"kind\":", "is damaged, or no evidence of a rollout: line 1 is not JSON");
        Refused(evidence.ToJsonString().Replace("\"schemaVersion\":1,\"exportedAt\"", "\"schemaVersion\":9,\"exportedAt\"", StringComparison.Ordinal), "has schema 9; this build reads schema 1");
        entry["input"]!.AsObject().Remove("devices");
        Refused(evidence.ToJsonString(), " is damaged: ");

        void AssertFound(string words)
        {
            File.WriteAllText(file, evidence.ToJsonString());
            EdgefleetProcess changed = EdgefleetProcess.Run("rollout", "explain", "--file", file);
            Assert.Equal((1, ""), (changed.ExitCode, changed.Errors));
            Assert.Contains(words, changed.Output, StringComparison.Ordinal);
            Assert.Contains(", 1 DIFFER\n", changed.Output, StringComparison.Ordinal);
        }

        void Refused(string text, string words)
        {
            File.WriteAllText(file, text);
            EdgefleetProcess refused = EdgefleetProcess.Run("rollout", "explain", "--file", file);
            Assert.Equal((2, ""), (refused.ExitCode, refused.Output));
            Assert.Contains(words, refused.Errors, StringComparison.Ordinal);
        }
    }

    private static string[] Comparable(string explained) =>
        [.. explained.Replace(", from the devices' reports too", "", StringComparison.Ordinal).Split('\n').Where(line => !line.Contains(" ago", StringComparison.Ordinal))];

    /// <summary>What the newest rollout shows once it shows that.</summary>
    private async Task<string> ShownAsync(string words)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(90));
        while (true)
        {
            string shown = Run("rollout", "show", "story").Output;
            if (shown.Contains(words, StringComparison.Ordinal))
            {
                return shown;
            }
            await Task.Delay(100, patience.Token);
        }
    }

    private EdgefleetProcess Run(params IEnumerable<string> arguments) => EdgefleetProcess.Run([.. arguments, "--controller-data", _folder["data"]]);

    private string WriteRollout()
    {
        File.WriteAllText(_folder["rollout.yaml"], """
            apiVersion: edgefleet.io/v1
            kind: Rollout
            metadata: { name: story }
            spec:
              model: fashion
              candidate: ${candidate}
              strategy: ${strategy}
              stages: ${stages}
              policySpec:
                alphaPromotion: 0.4
                bench: { blockMilliseconds: 100, warmUpMilliseconds: 0 }
                evidence: { tickMilliseconds: 200, calibrationTicks: 1, calibrationNoisePairs: 12, samplingPercent: 100, maximumPairsPerSecond: 500 }
                margins: { disagreementPoints: 15, latencyP50Percent: 50 }
                soak: { shadowSeconds: 0, canarySeconds: 0, rampSeconds: 0 }
                probation: { seconds: 1 }
            """);
        return _folder["rollout.yaml"];
    }

    /// <summary>Returns when all of them are connected.</summary>
    private async Task StartFleetAsync()
    {
        EdgefleetProcess token = Run("device", "token", "--count", $"{Devices}", "--auto-approve", "--out", _folder["bundle.json"]);
        Assert.True(token.ExitCode == 0, token.Errors);
        _fleet = Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "edgefleet"), ["simulate", "--devices", $"{Devices}", "--bundle", _folder["bundle.json"], "--root", _folder["fleet"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        TaskCompletionSource connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _fleet.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith($"{Devices} of {Devices} enrolled, {Devices} connected", StringComparison.Ordinal) == true)
            {
                connected.TrySetResult();
            }
        };
        _fleet.BeginErrorReadLine();
        await connected.Task.WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Hollow devices fetch, verify and scan it like any other, and only model its running.</summary>
    private async Task<Digest> PublishAsync(string version, Digest? baseline = null)
    {
        byte[] model = TinyModel.AddBias([version.Length, version[^1]]);
        using (ByteArrayContent content = new(model))
        {
            using HttpResponseMessage put = await _controller.Operator.PutAsync($"content/{Digest.Of(model).Hex}", content);
            put.EnsureSuccessStatusCode();
        }
        ArtifactManifest manifest = new()
        {
            Model = "fashion",
            Version = version,
            Files = [new ArtifactFile("model.onnx", model.Length, Digest.Of(model), ArtifactRole.Model)],
            EntryPoint = "model.onnx",
            Contract = new ModelContract([new TensorSpec("x", "FP32", [1, 2])], [new TensorSpec("y", "FP32", [1, 2])]),
            Baseline = baseline,
        };
        DsseEnvelope envelope = DsseEnvelope.Sign(ArtifactManifest.PayloadType, manifest.ToBytes(), _releaseKey);
        await _controller.PostAsync("artifacts", new JsonObject { ["envelope"] = JsonNode.Parse(envelope.ToBytes()), ["overrideReason"] = baseline is null ? null : "a test of the commands" }.ToJsonString());
        return Digest.Of(envelope.Payload.Span);
    }
}

using System.Text.Json.Nodes;
using EdgeFleet.Cli.Rollouts;

namespace EdgeFleet.Cli.Tests.Rollouts;

/// <summary>What a person sees of a rollout that runs: the screen of <c>watch</c> and the beginning of <c>explain</c>.</summary>
public sealed class WatchScreenTests
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);

    private static JsonNode Rollout() => JsonNode.Parse("""
        {
          "id": "r7", "name": "story", "model": "fashion", "candidate": "sha256:0123456789abcdef0123", "attempt": 1, "createdBy": "maria",
          "state": "running", "reason": "-", "createdAt": "2026-03-01T06:00:00Z",
          "classes": [ {
            "hardwareClass": "orin", "state": "running", "stage": "shadow", "stageIndex": 1, "stageStartedAt": "2026-03-01T09:00:00Z",
            "devices": 30, "admitted": 15, "reason": "holds: …", "phases": { "shadowing": 12, "committed": 3 },
            "plan": { "stages": [
              { "stage": "bench", "soakSeconds": 0, "leastSeconds": 60 },
              { "stage": "shadow", "soakSeconds": 7200, "leastSeconds": 7200 },
              { "stage": "canary", "soakSeconds": 604800, "leastSeconds": 604800 } ] }
          } ],
          "current": [ {
            "hardwareClass": "orin", "stageIndex": 1, "decision": "hold", "harmLogE": 1.4978661367769954, "harmLogThreshold": 2.995732273553991, "promotionLogThreshold": 2.995732273553991,
            "metrics": [
              { "metric": "disagreement", "state": "lacksEvidence", "promotionLogE": 0.6931471805599453, "promotionObservations": 20, "promotionUnit": "device", "forecast": 33.2 },
              { "metric": "latencyP50", "state": "promotes", "promotionLogE": "Infinity", "promotionObservations": 20, "promotionUnit": "device" },
              { "metric": "latencyP99", "state": "informational" } ],
            "missing": [
              { "code": "metric", "subject": "disagreement", "detail": "disagreement lacks evidence" },
              { "code": "soak", "subject": "orin", "detail": "1 h of 2 h of soak left" },
              { "code": "deviceMissing", "subject": "cam-3", "detail": "cam-3 counts as the worst: silent for 2 h" } ]
          } ]
        }
        """)!;

    [Fact]
    public void A_screen_says_what_to_do_then_how_far_each_class_is_and_what_its_evidence_lacks()
    {
        IReadOnlyList<string> lines = WatchScreen.Draw(Rollout(), s_now, (200, 40));

        Assert.Equal("r7 story  fashion to 0123456789ab: running, begun 4 h ago   10:00:00 UTC", lines[0]);
        Assert.Contains("  orin: wait for the shadow stage's soak until 2026-03-01 11:00 UTC (in 1 h)", lines);
        Assert.Contains("  orin: cam-3 counts as the worst: silent for 2 h: 'edgefleet device show cam-3' says what it last reported", lines);
        Assert.Contains("  orin: wait: disagreement lacks evidence", lines);
        Assert.Contains("  stages          bench (passed) > [shadow] > canary", lines);
        Assert.Contains("  devices         [##########..........] 15 of 30 taken in: 12 shadowing, 3 committed", lines);
        Assert.Contains("  harm            [##########..........] E = 4.47, 20 takes it back", lines);
        Assert.Contains("    disagreement  [####................] E = 2, 20 promotes; 20 device(s) there, about 34 needed", lines);
        Assert.Contains("    latencyP50    [####################] E = beyond measure, 20 promotes; 20 device(s) there", lines);
        Assert.DoesNotContain(lines, line => line.Contains("latencyP99", StringComparison.Ordinal));
        Assert.Contains("  soak            [##########..........] until 2026-03-01 11:00 UTC (in 1 h)", lines);
        Assert.Contains("  over            at the earliest 2026-03-08 11:00 UTC (in 7 d 1 h)", lines);
    }

    [Fact]
    public void A_screen_that_is_too_low_keeps_its_beginning_and_says_what_it_left_out()
    {
        IReadOnlyList<string> lines = WatchScreen.Draw(Rollout(), s_now, (200, 6), "the controller is away");

        Assert.Equal(6, lines.Count);
        Assert.Equal("OLD PICTURE: the controller is away", lines[1]);
        Assert.EndsWith(" lines more; 'edgefleet rollout show r7' has them", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_narrow_terminal_lines_are_broken_so_that_no_command_is_cut()
    {
        IReadOnlyList<string> lines = WatchScreen.Draw(Rollout(), s_now, (60, 60));

        Assert.All(lines, line => Assert.InRange(line.Length, 0, 60));
        Assert.Contains("'edgefleet device show cam-3' says what it last reported", string.Join(' ', lines.Select(line => line.Trim())), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("paused", "running", "resume story")]
    [InlineData("awaitingApproval", "awaitingApproval", "approve story")]
    [InlineData("running", "inconclusive", "gives it that time again")]
    [InlineData("rollingBack", "rollingBack", "waits no longer for those that do not follow")]
    [InlineData("completed", "completed", "'edgefleet rollback fashion --from sha256:0123456789abcdef0123'")]
    [InlineData("rolledBack", "rolledBack", "'edgefleet rollout retry r7'")]
    [InlineData("aborted", "rolledBack", "'edgefleet rollout retry r7'")]
    [InlineData("partlyCompleted", "completed", "'edgefleet rollback fashion --from")]
    [InlineData("refused", "refused", "'edgefleet rollout show r7' says why each one refused")]
    [InlineData("pending", "running", "the devices are drawn")]
    public void Every_state_names_what_a_person_does_next(string state, string ofClass, string expected)
    {
        JsonNode rollout = Rollout();
        rollout["state"] = state;
        rollout["classes"]![0]!["state"] = ofClass;

        Assert.Contains(expected, string.Join('\n', NextSteps.Of(rollout, s_now)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_stage_that_lacks_nothing_says_that_nobody_is_asked()
    {
        JsonNode rollout = Rollout();
        rollout["current"]![0]!["missing"] = new JsonArray();

        Assert.Equal(["wait: nothing is asked of a person; 'edgefleet rollout watch r7' shows what the gate decides"], NextSteps.Of(rollout, s_now + TimeSpan.FromHours(2)));
    }

    [Fact]
    public void An_explanation_begins_with_what_decided_last_and_when()
    {
        JsonNode rollout = Rollout();
        rollout["state"] = "rolledBack";
        rollout["endedAt"] = "2026-03-01T09:30:00Z";
        rollout["classes"]![0]!["state"] = "rolledBack";
        rollout["classes"]![0]!["reason"] = "harmed beyond the margin";
        JsonNode entry = JsonNode.Parse("""{ "verdict": { "hardwareClass": "orin", "stage": "shadow", "decision": "rollback", "reason": "harmed beyond the margin", "evaluatedAt": "2026-03-01T09:20:00Z" } }""")!;

        string[] lines = [.. ExplainSummary.Write(rollout, [entry], s_now)];

        Assert.Equal("r7 story: fashion to 0123456789ab, attempt 1, by maria: rolled back at 2026-03-01 09:30 UTC, after 3 h 30 min", lines[0]);
        Assert.Equal("    decided last, 2026-03-01 09:20 UTC (40 min ago): taken back from the shadow stage: harmed beyond the margin", lines[2]);
        Assert.DoesNotContain(lines, line => line.StartsWith("    now:", StringComparison.Ordinal));
        Assert.Equal("what to do next:", lines[3]);
    }
}

using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Specs;

public sealed class SpecFileTests
{
    private static readonly string s_digest = FleetFiles.Candidate.ToString();

    public static TheoryData<string> ShippedFiles => [.. FleetFiles.Paths("policies").Concat(FleetFiles.Paths("rollouts")).Select(p => Path.GetRelativePath(FleetFiles.Folder, p))];

    [Theory, MemberData(nameof(ShippedFiles))]
    public void Every_shipped_file_loads(string path)
    {
        SpecFile file = SpecFile.Parse(FleetFiles.Read(Path.Join(FleetFiles.Folder, path)));

        Assert.Equal(1, file.Policies.Count + file.Rollouts.Count);
    }

    [Fact]
    public void Every_policy_and_rollout_of_the_examples_loads()
    {
        List<string> texts = [.. FleetFiles.Paths("examples").Select(FleetFiles.Read).Where(t => t.Contains("kind: Policy", StringComparison.Ordinal) || t.Contains("kind: Rollout", StringComparison.Ordinal))];

        Assert.NotEmpty(texts);
        Assert.All(texts, text => SpecFile.Parse(text));
    }

    [Fact]
    public void The_shipped_default_policy_says_what_the_product_does_without_one()
    {
        Assert.Equal(new PolicySpec(), SpecFile.ParsePolicy(FleetFiles.Read(Path.Join(FleetFiles.Folder, "policies/default.yaml"))));
    }

    [Theory, InlineData(1, 1), InlineData(12, 1), InlineData(20, 1), InlineData(21, 2), InlineData(300, 15), InlineData(10_000, 500)]
    public void The_first_canary_is_a_twentieth_of_its_class_for_a_week_unless_somebody_says_otherwise(int classSize, int expected)
    {
        foreach (string? stages in (string?[])[null, "[bench, shadow, canary, full]"])
        {
            StageSpec canary = SpecFile.ParseRollout(Rollout(stages)).Stages.Single(s => s.Kind == StageKind.Canary);
            Assert.Equal(expected, canary.CohortSize(classSize));
        }
        Assert.Equal(TimeSpan.FromDays(7), new PolicySpec().SoakOf(StageKind.Canary));
        Assert.True(TimeSpan.FromSeconds(new PolicySpec().Limits.StageSeconds) > TimeSpan.FromDays(7));
    }

    [Fact]
    public void The_shipped_staged_rollout_has_the_default_stages()
    {
        RolloutSpec written = SpecFile.ParseRollout(FleetFiles.Read(Path.Join(FleetFiles.Folder, "rollouts/staged.yaml")));
        RolloutSpec defaults = SpecFile.ParseRollout(Rollout(stages: null));

        Assert.Equal(defaults.Stages, written.Stages);
    }

    [Fact]
    public void A_rollout_says_everything_it_can()
    {
        RolloutSpec rollout = SpecFile.ParseRollout(FleetFiles.Read(Path.Join(FleetFiles.Folder, "rollouts/retrained.yaml")));

        Assert.Equal("fashion-retrained", rollout.Name);
        Assert.Equal(FleetFiles.Candidate, rollout.Candidate);
        Assert.Equal(CompareMode.Improvement, rollout.Compare);
        Assert.Equal(95, rollout.CompletionPercent);
        Assert.Equal(10, rollout.PolicySpec!.Margins.LatencyP50Percent);
        Assert.Equal(2, rollout.PolicySpec.Margins.DisagreementPoints);
        Assert.Equal(
            [
                new StageSpec { Kind = StageKind.Bench, Devices = 2 },
                new StageSpec { Kind = StageKind.Shadow, Devices = 30 },
                new StageSpec { Kind = StageKind.Canary, Devices = 3, Approval = true },
                new StageSpec { Kind = StageKind.Full, Approval = true },
            ],
            rollout.Stages);
    }

    [Fact]
    public void Json_is_read_as_well()
    {
        RolloutSpec rollout = SpecFile.ParseRollout($$$"""
            {"apiVersion": "edgefleet.io/v1", "kind": "Rollout", "metadata": {"name": "r"},
             "spec": {"model": "m", "candidate": "{{{s_digest}}}", "strategy": "install", "stages": [{"full": {}}]}}
            """);

        Assert.Equal(RolloutStrategy.Install, rollout.Strategy);
    }

    [Fact]
    public void A_policy_in_the_same_file_stands_in_for_its_name()
    {
        RolloutSpec rollout = SpecFile.ParseRollout(Rollout(more: "policy: mine") + """

            ---
            apiVersion: edgefleet.io/v1
            kind: Policy
            metadata: { name: mine }
            spec: { alphaPromotion: 0.01 }
            """);

        Assert.Equal(0.01, rollout.PolicySpec!.AlphaPromotion);
    }

    [Fact]
    public void All_errors_are_told_at_once_each_with_its_line_key_value_and_what_is_allowed()
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse("""
            apiVersion: edgefleet.io/v2
            kind: Policy
            metadata: { name: Mine }
            spec:
              alphaPromotion: 2
              onHarm: shrug
              margins:
                latencyP50Procent: 5
                disagreementPoints: many
              evidence: 7
            """));

        Assert.Equal(
            [
                "line 1: apiVersion: 'edgefleet.io/v2' is not allowed; expected 'edgefleet.io/v1'",
                "line 3: metadata.name: 'Mine' is not a name; expected 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or a digit",
                "line 5: spec.alphaPromotion: '2' is not allowed; expected a number from 0.0001 to 0.5",
                "line 6: spec.onHarm: 'shrug' is not allowed; expected one of rollbackClass, rollbackRollout",
                "line 9: spec.margins.disagreementPoints: 'many' is not allowed; expected a number from 0.01 to 15",
                "line 8: spec.margins.latencyP50Procent: unknown key; allowed here: disagreementPoints, latencyP50Percent, latencyP95Percent, latencyP99Percent, accuracyPoints, brierPoints, memoryPeakPercent, energyPercent",
                "line 10: spec.evidence: expected a mapping of keys to values",
            ],
            error.Errors.Select(e => e.ToString()));
    }

    [Fact]
    public void A_policy_names_the_windows_in_which_devices_may_begin()
    {
        PolicySpec policy = SpecFile.ParsePolicy("""
            apiVersion: edgefleet.io/v1
            kind: Policy
            metadata: { name: nights }
            spec:
              maintenance:
                windows: [mon-fri 02:00-05:00, "sat,sun 22:00-04:00"]
                clock: utc
                downloads: true
            """);

        Assert.Equal(new MaintenanceWindows("mon-fri 02:00-05:00; sat,sun 22:00-04:00", Utc: true, Downloads: true), policy.Maintenance);
        Assert.Null(new PolicySpec().Maintenance);
    }

    [Fact]
    public void A_policy_names_the_margins_of_slow_requests_and_the_slices()
    {
        PolicySpec policy = SpecFile.ParsePolicy("""
            apiVersion: edgefleet.io/v1
            kind: Policy
            metadata: { name: strict }
            spec:
              margins: { latencyP95Percent: 7, latencyP99Percent: 0 }
              evidence:
                slices:
                  - { name: site, values: [lab, hall] }
                  - { name: camera, values: [front] }
            """);

        Assert.Equal((7, 0), (policy.Margins.LatencyP95Percent, policy.Margins.LatencyP99Percent));
        Assert.Equal(SliceList.Of([("camera", ["front"]), ("site", ["hall", "lab"])]), policy.Evidence.Slices);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("just a text", "expected a mapping")]
    [InlineData("a: [", "not readable as YAML")]
    [InlineData("a: 1\na: 2", "not readable as YAML")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Wish\nmetadata: { name: x }\nspec: {}", "'Wish' is not allowed; expected Rollout or Policy")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nspec: {}", "metadata: is missing")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { bench: { blocks: '30' } }", "spec.bench.blocks: '30' is not allowed; expected a whole number from 6 to 10000")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { bench: { blocks: 1.5 } }", "'1.5' is not allowed")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { alphaPromotion: .nan }", "'.nan' is not allowed")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { alphaPromotion: [1] }", "expected a number, got a list")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { evidence: { pairsPerDevice: 20 } }", "pairsPerDevice 20 is too few for margins.disagreementPoints 2; expected at least 50")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { limits: { stageSeconds: 7200 } }", "stageSeconds 7200 would end the stage before soak.shadowSeconds 7200 lets it be promoted")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { soak: { canarySeconds: 2000000 } }", "stageSeconds 1209600 would end the stage before soak.canarySeconds 2000000")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { maintenance: { windows: ['monday 02:00-05:00'] } }", "spec.maintenance.windows: 'monday 02:00-05:00': 'monday' is no day; expected mon, tue")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { maintenance: { windows: ['mon 02:00-02:00'] } }", "'mon 02:00-02:00' is empty; 'daily 00:00-24:00' is always")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { maintenance: { windows: ['mon 02:00-05:00'], clock: local } }", "spec.maintenance.clock")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { evidence: { slices: [{ name: camera }] } }", "spec.evidence.slices: slice 'camera': 0 values; expected 1 to 32")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { evidence: { slices: [{ name: camera, values: [other] }] } }", "value 'other'")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Policy\nmetadata: { name: x }\nspec: { evidence: { slices: [{ name: camera, values: ['a b'] }] } }", "value 'a b': a value has 1 to 32 letters")]
    [InlineData("apiVersion: edgefleet.io/v1\nkind: Rollout\nmetadata: { name: x }", "spec: is missing")]
    public void What_cannot_be_used_is_named(string text, string expected)
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(text));

        Assert.Contains(error.Errors, e => e.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[]", "is empty")]
    [InlineData("[full, canary]", "'canary' cannot follow 'full'")]
    [InlineData("[shadow, shadow, full]", "'shadow' cannot follow 'shadow'")]
    [InlineData("[bench, shadow]", "ends with 'shadow'; expected full as the last stage")]
    [InlineData("[bench, full]", "has no shadow stage")]
    [InlineData("[shadow, {ramp: {percent: 50}}, {ramp: {percent: 10}}, full]", "ramp to 10 % follows 50 %")]
    [InlineData("[shadow, {canary: {devices: 0}}, full]", "spec.stages[1].canary.devices: '0' is not allowed; expected a whole number from 1 to 1000000")]
    [InlineData("[shadow, {canary: {device: 2}}, full]", "spec.stages[1].canary.device: unknown key; allowed here: approval, selector, devices, percent")]
    [InlineData("[{shadow: {selector: 'site == lab'}}, full]", "spec.stages[0].shadow.selector: unknown key")]
    [InlineData("[shadow, {canary: {selector: 'site = lab'}}, full]", "spec.stages[1].canary.selector: position 6")]
    [InlineData("[shadow, {ramp: {selector: 'site == lab'}}, {ramp: {selector: 'site == lab', percent: 50}}, full]", "ramp to 50 % follows 100 %")]
    [InlineData("[{parade: {}}, full]", "is not a stage; expected a mapping with one of bench, shadow, canary, ramp, full")]
    [InlineData("[{shadow: {}, canary: {}}, full]", "is not a stage")]
    [InlineData("[2, full]", "is not a stage")]
    [InlineData("7", "spec.stages: expected a list")]
    public void Stages_that_make_no_rollout_are_refused(string stages, string expected)
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(Rollout(stages)));

        Assert.Contains(error.Errors, e => e.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void An_install_has_nothing_to_bench_or_shadow_against()
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(Rollout("[shadow, full]", "strategy: install")));

        Assert.Contains("'shadow' compares with a baseline", Assert.Single(error.Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_retrained_model_serves_only_after_a_person_approved()
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(Rollout("[shadow, canary, full]", "compare: improvement")));

        Assert.Contains("'canary' needs approval: true", Assert.Single(error.Errors).Message, StringComparison.Ordinal);
        Assert.Single(SpecFile.Parse(Rollout("[shadow, {canary: {approval: true}}, full]", "compare: improvement")).Rollouts);
        Assert.Single(SpecFile.Parse(Rollout(null, "compare: improvement")).Rollouts);
    }

    [Fact]
    public void A_selector_that_cannot_be_read_is_an_error_of_the_file()
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(Rollout(more: "selector: 'site = lab'")));

        Assert.Equal("spec.selector", Assert.Single(error.Errors).Path);
    }

    [Fact]
    public void A_file_that_is_too_large_is_not_read()
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.Parse(new string('#', SpecFile.MaximumCharacters + 1)));

        Assert.Contains($"at most {SpecFile.MaximumCharacters}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StageKind.Canary, 5, 1.0, 30, 5), InlineData(StageKind.Canary, 5, 1.0, 3, 3), InlineData(StageKind.Canary, 5, 1.0, 1000, 10)]
    [InlineData(StageKind.Canary, null, 1.0, 30, 1), InlineData(StageKind.Ramp, null, 50.0, 7, 4), InlineData(StageKind.Full, null, null, 7, 7)]
    public void A_cohort_is_a_number_or_a_share_of_its_class(StageKind kind, int? devices, double? percent, int classSize, int expected)
    {
        Assert.Equal(expected, new StageSpec { Kind = kind, Devices = devices, Percent = percent }.CohortSize(classSize));
    }

    [Theory]
    [InlineData("true", true, null, 1), InlineData("false", false, null, 1), InlineData("release-manager", true, "release-manager", 1)]
    [InlineData("{role: release-manager, count: 2}", true, "release-manager", 2), InlineData("{count: 2}", true, null, 2), InlineData("{}", true, null, 1)]
    public void An_approval_is_of_anybody_or_of_a_role_or_of_several_persons(string written, bool approval, string? role, int count)
    {
        StageSpec full = SpecFile.ParseRollout(Rollout($"[bench, shadow, {{full: {{approval: {written}}}}}]")).Stages[2];

        Assert.Equal((approval, role, count), (full.Approval, full.ApprovalRole, full.ApprovalCount));
    }

    [Theory]
    [InlineData("Release Manager", "spec.stages[2].full.approval: 'Release Manager' is not allowed; expected true, false, a role, or {role: …, count: …}")]
    [InlineData("[a]", "spec.stages[2].full.approval: ")]
    [InlineData("{rôle: x}", "unknown key; allowed here: role, count")]
    [InlineData("{role: 'A b'}", "'A b' is not a role"), InlineData("{count: 0}", "spec.stages[2].full.approval.count: '0' is not allowed; expected a whole number from 1 to 10")]
    public void An_approval_that_says_something_else_is_refused(string written, string expected)
    {
        SpecException error = Assert.Throws<SpecException>(() => SpecFile.ParseRollout(Rollout($"[bench, shadow, {{full: {{approval: {written}}}}}]")));

        Assert.Contains(error.Errors, e => e.ToString().Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_stage_by_selector_takes_all_that_match_unless_a_number_stands_beside_it()
    {
        IReadOnlyList<StageSpec> stages = SpecFile.ParseRollout(Rollout(
            "[{bench: {selector: 'a == b'}}, shadow, {canary: {selector: 'a == b', devices: 2}}, {ramp: {selector: 'a == b'}}, {ramp: {selector: 'a == c'}}, {ramp: {percent: 5}}, full]")).Stages;

        Assert.Equal(
            [
                new StageSpec { Kind = StageKind.Bench, Selector = "a == b" },
                new StageSpec { Kind = StageKind.Shadow, Devices = 30 },
                new StageSpec { Kind = StageKind.Canary, Selector = "a == b", Devices = 2 },
                new StageSpec { Kind = StageKind.Ramp, Selector = "a == b" },
                new StageSpec { Kind = StageKind.Ramp, Selector = "a == c" },
                new StageSpec { Kind = StageKind.Ramp, Percent = 5 },
                new StageSpec { Kind = StageKind.Full },
            ],
            stages);
        Assert.Equal(7, stages[0].CohortSize(7));
    }

    [Theory, InlineData("site", null), InlineData("''", null), InlineData("board", null), InlineData("powerMode", null), InlineData("powermode", "the fact is called powerMode"), InlineData("'a b'", "is not the name of a label")]
    public void Cohorts_are_stratified_by_a_label_or_a_fact(string label, string? complaint)
    {
        string text = Rollout(more: $"stratify: {label}");

        if (complaint is null)
        {
            Assert.Equal(label.Trim('\''), SpecFile.ParseRollout(text).Stratify);
            return;
        }
        Assert.Contains(complaint, Assert.Throws<SpecException>(() => SpecFile.ParseRollout(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_hash_of_the_frozen_margins_is_pinned_and_moves_with_every_one_of_them()
    {
        RolloutSpec rollout = SpecFile.ParseRollout(Rollout());
        GateMargins margins = GateMargins.Freeze(rollout, new PolicySpec { Evidence = new EvidenceSpec { CalibrationNoisePairs = 30 } });

        Assert.Equal("sha256:47fb669a77f9b63fab3af6c50a13e1cce37838e493cd6fcd5c5182736b4fc301", margins.Hash().ToString());
        GateMargins[] moved =
        [
            margins with { AlphaPromotion = 0.06 }, margins with { AlphaRollback = 0.06 }, margins with { DisagreementPoints = 3 },
            margins with { LatencyP50Percent = 6 }, margins with { WeightDisagreement = 2 }, margins with { WeightLatencyP50 = 2 },
            margins with { LatencyP95Percent = 6 }, margins with { LatencyP99Percent = 6 }, margins with { AccuracyPoints = 2 }, margins with { BrierPoints = 2 },
            margins with { WeightLatencyP95 = 2 }, margins with { WeightLatencyP99 = 2 }, margins with { WeightAccuracy = 2 }, margins with { WeightBrier = 2 },
            margins with { Guardrails = new GuardrailsSpec { LatencyP95 = true } }, margins with { LabelsPerDevice = 501 }, margins with { Slices = SliceList.Of([("camera", ["front"])]) },
            margins with { WorkerMemoryBytes = 1 }, margins with { TickMilliseconds = 1 }, margins with { PairsPerDevice = 501 },
            margins with { CalibrationTicks = 4 }, margins with { CalibrationNoisePairs = 31 }, margins with { MissingPercent = 6 },
            margins with { CompletionPercent = 99 }, margins with { Compare = CompareMode.Improvement }, margins with { Strategy = RolloutStrategy.Install },
        ];
        Assert.Equal(moved.Length + 1, moved.Append(margins).Select(m => m.Hash()).Distinct().Count());
        // Every member but the schema's version is in the list above.
        Assert.Equal(moved.Length, typeof(GateMargins).GetProperties().Length - 1);
    }

    private static string Rollout(string? stages = "[bench, shadow, canary, full]", string more = "") => string.Join('\n',
        "apiVersion: edgefleet.io/v1",
        "kind: Rollout",
        "metadata: { name: r }",
        "spec:",
        "  model: m",
        $"  candidate: {s_digest}",
        more.Length > 0 ? $"  {more}" : "",
        stages is null ? "" : $"  stages: {stages}");

    [Theory, InlineData("["), InlineData("{"), InlineData("{a: ["), InlineData("- ")]
    public void Nesting_without_end_is_an_error_and_not_the_end_of_the_process(string level)
    {
        string text = $"spec:\n  {string.Concat(Enumerable.Repeat(level, 100_000 / level.Length))}";

        Assert.Contains("nested deeper than 32", Assert.Throws<SpecException>(() => SpecFile.Parse(text)).Message, StringComparison.Ordinal);
    }
}

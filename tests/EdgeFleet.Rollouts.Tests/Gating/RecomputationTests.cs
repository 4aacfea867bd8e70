using System.Text.Json;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Tests.Stages;

namespace EdgeFleet.Rollouts.Tests.Gating;

public sealed class RecomputationTests
{
    [Theory, InlineData(3, 0.0), InlineData(8, 0.03), InlineData(12, 0.01), InlineData(30, 0.5)]
    public void Every_stored_verdict_comes_out_the_same_to_the_last_bit_after_a_trip_through_json(int devices, double disagreement)
    {
        FakeFleet fleet = new FakeFleet(Stages.Rollouts.Staged, Stages.Rollouts.Policy)
            .Add("orin", devices, i => new Behaviour { DisagreementRate = disagreement, RefusesAtBench = i == 1 })
            .Run(80);

        Assert.Contains(fleet.Verdicts, v => v.Input.Stage == StageKind.Shadow && v.Input.Devices.Any(d => d.Evidence is { Pairs: > 0 }));
        foreach (StoredVerdict verdict in fleet.Verdicts)
        {
            string json = JsonSerializer.Serialize(verdict, RolloutsJsonContext.Default.StoredVerdict);
            StoredVerdict read = JsonSerializer.Deserialize(json, RolloutsJsonContext.Default.StoredVerdict)!;

            Assert.True(Gate.Recompute(read).Same);
            Assert.Equal(json, JsonSerializer.Serialize(read, RolloutsJsonContext.Default.StoredVerdict));
        }
    }

    [Fact]
    public void An_infinite_e_value_survives_the_store()
    {
        GateInput input = Gates.Input(Gates.Devices(10, i => Gates.Device(i, ticks: 5)), classSize: 10);
        StoredVerdict stored = new(input, Gate.Evaluate(input));
        Assert.Equal(double.PositiveInfinity, stored.Verdict.Metrics[0].PromotionLogE);

        string json = JsonSerializer.Serialize(stored, RolloutsJsonContext.Default.StoredVerdict);
        Assert.True(Gate.Recompute(JsonSerializer.Deserialize(json, RolloutsJsonContext.Default.StoredVerdict)!).Same);
    }

    [Fact]
    public void One_changed_count_is_seen()
    {
        GateInput input = Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: 25)));
        StoredVerdict stored = new(input, Gate.Evaluate(input));
        GateInput changed = Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: 25)).Select((device, i) =>
            i > 0 ? device : device with { Ticks = [.. device.Ticks.Select(tick => tick.Tick == 7 ? tick with { Disagreements = 1 } : tick)] }));

        Assert.True(Gate.Recompute(stored).Same);
        Assert.False(Gate.Recompute(stored with { Input = changed }).Same);
        Assert.False(Gate.Recompute(stored with { Verdict = stored.Verdict with { Decision = GateDecision.Rollback } }).Same);
        Assert.False(Gate.Recompute(stored with { Verdict = stored.Verdict with { HarmLogE = Math.BitIncrement(stored.Verdict.HarmLogE) } }).Same);
    }

    [Fact]
    public void What_differs_is_named_with_both_numbers()
    {
        GateInput input = Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: 25)));
        GateVerdict verdict = Gate.Evaluate(input);
        MetricVerdict first = verdict.Metrics[0];
        Recomputation changed = Gate.Recompute(new StoredVerdict(input, verdict with { Metrics = [first with { HarmObservations = 77 }, .. verdict.Metrics.Skip(1)] }));

        Assert.Equal([$"metrics[disagreement].harmObservations: stored 77, computed {first.HarmObservations}"], changed.Differences);
        Assert.Null(changed.NotComparable);
        Assert.Empty(Gate.Recompute(new StoredVerdict(input, verdict)).Differences);
        Assert.StartsWith("the margins hash to", Assert.Single(Gate.Recompute(new StoredVerdict(input with { Margins = input.Margins with { AlphaRollback = 0.2 } }, verdict)).Differences), StringComparison.Ordinal);
    }

    [Fact]
    public void A_verdict_of_an_older_build_is_not_called_different()
    {
        GateInput input = Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: 25)));

        Recomputation older = Gate.Recompute(new StoredVerdict(input with { SchemaVersion = 1 }, Gate.Evaluate(input) with { HarmLogE = -7 }));

        Assert.Equal("an older build made it from inputs of schema 1; this one computes those of schema 2", older.NotComparable);
        Assert.Equal((false, 0), (older.Same, older.Differences.Count));
    }

    [Fact]
    public void A_verdict_is_computed_again_by_the_rules_that_it_was_made_with()
    {
        GateInput input = Gates.Input(Gates.Devices(12, i => Gates.Device(i, ticks: 5)), rules: new GateRules { CensusBelowDevices = 20, AmberShare = 0.5 });
        StoredVerdict stored = new(input, Gate.Evaluate(input));
        Assert.Equal(VerdictKind.Census, stored.Verdict.Kind);

        StoredVerdict read = JsonSerializer.Deserialize(JsonSerializer.Serialize(stored, RolloutsJsonContext.Default.StoredVerdict), RolloutsJsonContext.Default.StoredVerdict)!;

        Assert.True(Gate.Recompute(read).Same);
        Assert.False(Gate.Recompute(read with { Input = read.Input with { Rules = GateRules.Current } }).Same);
    }

    [Fact]
    public void Another_wording_is_no_other_verdict()
    {
        GateInput input = Gates.Input(Gates.Devices(4, i => Gates.Device(i, ticks: 5)));
        GateVerdict verdict = Gate.Evaluate(input);
        Assert.NotEmpty(verdict.Missing);
        GateVerdict reworded = verdict with
        {
            Reason = "because",
            Warnings = ["mind the gap"],
            Missing = [.. verdict.Missing.Select(m => m with { Detail = "something lacks" })],
            Devices = [.. verdict.Devices.Select(d => d with { Reason = "so it is" })],
        };

        Assert.True(Gate.Recompute(new StoredVerdict(input, reworded)).Same);
        Assert.False(Gate.Recompute(new StoredVerdict(input, reworded with { Missing = [.. reworded.Missing.Skip(1)] })).Same);
    }
}

using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Gating.Folding;
using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Gating;

public sealed class SliceTests
{
    private static readonly GateMargins s_margins = Gates.Margins with { Slices = SliceList.Of([("camera", ["front", "dark"])]) };

    [Theory, InlineData(3), InlineData(30)]
    public void A_camera_that_is_worse_than_it_may_be_is_named_and_holds_what_all_inputs_together_would_promote(int devices)
    {
        GateInput bad = Gates.Input(Gates.Devices(devices, i => Device(i, dark: 3)), margins: s_margins);
        GateVerdict verdict = Gate.Evaluate(bad);
        GateVerdict good = Gate.Evaluate(Gates.Input(Gates.Devices(devices, i => Device(i, dark: 0)), margins: s_margins));

        Assert.Equal((GateDecision.Hold, GateDecision.Promote), (verdict.Decision, good.Decision));
        MissingEvidence missing = Assert.Single(verdict.Missing);
        Assert.Equal((MissingCodes.Slice, "camera=dark"), (missing.Code, missing.Subject));
        Assert.StartsWith("camera=dark: 15 % of ", missing.Detail, StringComparison.Ordinal);
        Assert.Equal(["dark", "front"], verdict.Slices.Select(slice => slice.Value));
        Assert.Equal([true, false], verdict.Slices.Select(slice => slice.Harmed));
        Assert.DoesNotContain(good.Slices, slice => slice.Harmed);
        Assert.True(Gate.Recompute(new StoredVerdict(bad, verdict)).Same);
    }

    [Fact]
    public void A_retrained_model_differs_in_its_slices_on_purpose_which_is_shown_and_holds_nothing()
    {
        GateMargins improvement = s_margins with { Compare = CompareMode.Improvement };
        GateVerdict verdict = Gate.Evaluate(Gates.Input(Gates.Devices(30, i => Device(i, dark: 3)), margins: improvement));

        Assert.Equal(GateDecision.Promote, verdict.Decision);
        Assert.Contains(verdict.Slices, slice => slice.Harmed);
    }

    [Fact]
    public void Slices_are_added_up_to_the_same_when_their_ticks_are_closed()
    {
        ClassFold fold = new(s_margins, Gates.Quiet, GateRules.Current, 12);
        for (int t = 0; t < 2000; t++)
        {
            fold.Take("d0", Tick(t, t % 10 == 0 ? 1 : 0), Gates.Start.AddMinutes(t));
        }
        SliceTotal dark = fold.Ticks.Slices.Single(slice => slice.Key == "camera=dark");

        Assert.Equal((40_000L, 200L), (dark.Pairs, dark.Disagreements));
        Assert.Equal(2000, dark.Closed.Count + fold.Ticks.Open.Count(tick => tick.Slices.Any(slice => slice.Key == "camera=dark")));
    }

    [Fact]
    public void Names_that_nobody_asked_for_fill_no_memory_and_crowd_out_none()
    {
        ClassFold fold = new(s_margins, Gates.Quiet, GateRules.Current, 12);
        for (int t = 0; t < 1000; t++)
        {
            fold.Take("d0", new GateTick { Tick = t, Pairs = 20, Slices = [new SliceCounts { Name = t % 2 == 0 ? "n" : "camera", Value = $"v{t}", Pairs = 20, Disagreements = 20 }] }, Gates.Start.AddMinutes(t));
        }
        Assert.Empty(fold.Ticks.Slices);
        fold.Take("d0", Tick(1000, 1) with { Slices = [new SliceCounts { Name = "camera", Value = SliceCounts.Other, Pairs = 20, Disagreements = 1 }] }, Gates.Start.AddMinutes(1000));

        Assert.Equal("camera=other", Assert.Single(fold.Ticks.Slices).Key);
    }

    [Fact]
    public void Answers_that_moved_are_told_from_what_chance_does()
    {
        DriftVerdict moved = Assert.Single(Drift(100, 300));
        DriftVerdict same = Assert.Single(Drift(200, 210));

        Assert.True(moved.PopulationStability > moved.Limit, $"{moved}");
        Assert.True(same.PopulationStability < same.Limit, $"{same}");
        // Both models answered 4,000 times: chi-square of one degree of freedom at 99 %, times 2/4000.
        Assert.Equal(6.6349 * 2 / 4000, moved.Limit, 6);
        Assert.Equal(moved.KullbackLeibler, moved.PopulationStability / 2, 0.01);
    }

    private static IReadOnlyList<DriftVerdict> Drift(int baseline, int candidate) => Gate.Evaluate(Gates.Input([Gates.Device(0) with
    {
        Ticks = [.. Enumerable.Range(0, 10).Select(t => GateTick.From(new ShadowTick
        {
            Tick = t, StartedAt = Gates.Start, DurationMs = 1, Pairs = 400, Disagreements = 0, MedianLogLatencyRatio = 0,
            BaselineTop1 = [400 - baseline, baseline, 0], CandidateTop1 = [400 - candidate, candidate, 0],
        }))],
    }])).Drift;

    private static TickingDevice Device(int number, int dark) => Gates.Device(number) with { Ticks = [.. Enumerable.Range(0, 60).Select(t => Tick(t, dark))] };

    // A twentieth of the inputs are dark.
    private static GateTick Tick(int number, int dark) => new()
    {
        Tick = number,
        Pairs = 400,
        Disagreements = dark,
        MedianLogLatencyRatio = -0.2,
        Slices = [new SliceCounts { Name = "camera", Value = "front", Pairs = 380, Disagreements = 0 }, new SliceCounts { Name = "camera", Value = "dark", Pairs = 20, Disagreements = dark }],
    };
}

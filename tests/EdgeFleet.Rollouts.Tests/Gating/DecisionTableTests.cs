using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Gating;

namespace EdgeFleet.Rollouts.Tests.Gating;

/// <summary>Promote, hold or roll back for every combination of what the gate looks at in the shadow of a large class.</summary>
public sealed class DecisionTableTests
{
    private const int Devices = 40;

    private enum Harm
    {
        None,
        Amber,
        Beyond,
    }

    private sealed record Case(bool Broken, Harm Harm, bool Enough, bool Soaked, bool Missing, bool Working, bool Slice)
    {
        public GateDecision Decision =>
            Broken || Harm == Harm.Beyond ? GateDecision.Rollback
            : Harm == Harm.None && Enough && Soaked && !Missing && !Working && !Slice ? GateDecision.Promote
            : GateDecision.Hold;
    }

    [Fact]
    public void Every_combination_has_the_decision_of_the_table_and_a_hold_names_each_thing_that_lacks()
    {
        bool[] both = [false, true];
        Case[] cases =
        [
            .. from broken in both from harm in Enum.GetValues<Harm>() from enough in both from soaked in both from missing in both from working in both from slice in both
               select new Case(broken, harm, enough, soaked, missing, working, slice),
        ];
        Assert.Equal(192, cases.Length);

        foreach (Case c in cases)
        {
            GateVerdict verdict = Gate.Evaluate(Input(c));
            Assert.True(c.Decision == verdict.Decision, $"{c}: {verdict.Decision}, {verdict.Reason}");
            string[] codes = [.. verdict.Missing.Select(m => m.Code).Distinct()];
            if (c.Decision != GateDecision.Hold)
            {
                Assert.Empty(codes);
                continue;
            }
            Assert.Equal(c.Harm == Harm.Amber, codes.Contains(MissingCodes.Amber));
            Assert.Equal(!c.Soaked, codes.Contains(MissingCodes.Soak));
            Assert.Equal(c.Missing, codes.Contains(MissingCodes.DeviceMissing));
            Assert.Equal(c.Working, codes.Contains(MissingCodes.Device));
            Assert.Equal(c.Slice, codes.Contains(MissingCodes.Slice));
            Assert.True(c.Enough || codes.Contains(MissingCodes.Metric) || codes.Contains(MissingCodes.Pairs), $"{c}");
        }
    }

    private static GateInput Input(Case c)
    {
        GateInput input = Gates.Input(Gates.Devices(Devices, i => Device(i, c)), classSize: 1000, margins: Gates.Margins with { Slices = SliceList.Of([("camera", ["dark"])]) });
        return input with { Soak = c.Soaked ? TimeSpan.FromMinutes(30) : TimeSpan.FromHours(2) };
    }

    private static TickingDevice Device(int number, Case c)
    {
        // The last in the order: those before them have said enough.
        bool missing = c.Missing && number >= Devices - 3, working = c.Working && number == Devices - 4, broken = c.Broken && number < 2;
        return Gates.Device(number) with
        {
            Standing = broken ? DeviceStanding.Failed : missing ? DeviceStanding.Missing : working ? DeviceStanding.Working : DeviceStanding.Reached,
            StandingReason = missing ? "silent" : working ? "Fetched" : "",
            Invariants = broken ? [new InvariantFinding(InvariantKind.NonFinite, 1, "1 x NaN")] : [],
            Shadowing = !missing && !working,
            Ticks = missing || working ? [] : [.. Enumerable.Range(0, 60).Select(t => Tick(t, c))],
        };
    }

    // Harm of the 99th percentile, which no promotion asks for here, so that it says nothing of what is enough.
    private static GateTick Tick(int number, Case c) => new()
    {
        Tick = number,
        Pairs = c.Enough ? 100 : 1,
        MedianLogLatencyRatio = -0.2,
        P99 = number < (c.Harm == Harm.Beyond ? 60 : c.Harm == Harm.Amber ? s_amber : 0) ? new TailPairs(1, 0) : null,
        Slices = c.Slice ? [new SliceCounts { Name = "camera", Value = "dark", Pairs = 20, Disagreements = 6 }] : null,
    };

    // The fewest ticks that are amber, found by looking.
    private static readonly int s_amber = Enumerable.Range(1, 59).First(n => Gate.Evaluate(Gates.Input(
        Gates.Devices(Devices, i => Gates.Device(i) with { Ticks = [.. Enumerable.Range(0, 60).Select(t => new GateTick { Tick = t, Pairs = 100, MedianLogLatencyRatio = -0.2, P99 = t < n ? new TailPairs(1, 0) : null })] }),
        classSize: 1000)).Amber);
}

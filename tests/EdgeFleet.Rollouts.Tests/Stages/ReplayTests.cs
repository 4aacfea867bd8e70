using System.Text.Json;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

public sealed class ReplayTests
{
    [Theory, InlineData(4), InlineData(12)]
    public void The_stored_reports_come_to_what_each_verdict_rests_on(int devices)
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy)
            .Add("orin", devices, i => new Behaviour { DisagreementRate = 0.01, RefusesAtBench = i == 1 })
            .Add("pi", devices, i => new Behaviour { DisagreementRate = i == 2 ? 0.5 : 0 })
            .RunToEnd();
        GateInput[] judged = [.. fleet.Verdicts.Select(v => Read(v).Input).Where(input => input.Ticks is not null)];
        Assert.NotEmpty(judged);

        Assert.All(judged, input => Assert.True(new Replay(fleet.Log).Same(input)));
        foreach (IGrouping<string, GateInput> hardwareClass in judged.GroupBy(input => input.HardwareClass))
        {
            Replay inOrder = new(fleet.Log);
            Assert.All(hardwareClass, input => Assert.True(inOrder.Same(input)));
        }
        // The control: one report of one device changed.
        TickLog changed = new() { Stored = row => row.Id == 50 ? row with { Tick = row.Tick with { Disagreements = row.Tick.Disagreements + 1 } } : row };
        foreach (ReportedTick row in fleet.Log.After(0))
        {
            changed.Add(row.DeviceId, row.HardwareClass, row.At, row.Tick);
        }
        Assert.Contains(judged, input => new Replay(changed).Same(input) == false);
    }

    [Fact]
    public void Where_the_reports_are_no_longer_stored_there_is_nothing_to_compare()
    {
        FakeFleet fleet = new FakeFleet(Rollouts.Staged, Rollouts.Policy).Add("orin", 4).RunToEnd();

        Assert.All(fleet.Verdicts, v => Assert.Null(new Replay(NoTicks.Instance).Same(v.Input)));
    }

    private static StoredVerdict Read(StoredVerdict verdict) =>
        JsonSerializer.Deserialize(JsonSerializer.Serialize(verdict, RolloutsJsonContext.Default.StoredVerdict), RolloutsJsonContext.Default.StoredVerdict)!;
}

using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Fleets of every mixture, with people who press every button: what must hold whatever happens.</summary>
public sealed class RandomFleetTests
{
    [Fact]
    public void Whatever_devices_and_people_do_the_rules_hold()
    {
        for (int seed = 1; seed <= 12; seed++)
        {
            Walk(seed);
        }
    }

    private static void Walk(int seed)
    {
        Random random = new(seed);
        PolicySpec policy = Rollouts.Policy with { OnHarm = random.Next(2) == 0 ? HarmResponse.RollbackClass : HarmResponse.RollbackRollout };
        FakeFleet fleet = new(Rollouts.Staged with { CompletionPercent = random.Next(2) == 0 ? 100 : 75 }, policy);
        foreach (string hardwareClass in new[] { "a", "b", "c" }[..random.Next(1, 4)])
        {
            fleet.Add(hardwareClass, random.Next(1, 12), _ => RandomBehaviour(random));
        }

        Dictionary<string, int> stageOf = [];
        for (int step = 0; step < 150 && !StageTransitions.IsEnd(fleet.State.Phase); step++)
        {
            if (random.Next(40) == 0)
            {
                Press(fleet, random);
            }
            fleet.Run(1);
            Check(seed, fleet, stageOf);
        }

        // A person ends what the devices leave open.
        if (!StageTransitions.IsEnd(fleet.State.Phase))
        {
            fleet.State = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = OperatorAct.Abort, At = fleet.Now }).State;
            fleet.RunToEnd();
        }
        foreach (ClassProgress progress in fleet.State.Classes.Where(c => c.Phase is ClassPhase.RolledBack))
        {
            List<string> left = [.. fleet.Serving(FakeFleet.Candidate).Where(id => id.StartsWith(progress.HardwareClass, StringComparison.Ordinal))];
            Assert.All(left, id => Assert.Contains(id, progress.Reason, StringComparison.Ordinal)); // off line, and named
        }
    }

    private static void Check(int seed, FakeFleet fleet, Dictionary<string, int> stageOf)
    {
        foreach (ClassProgress progress in fleet.State.Classes)
        {
            bool decided = fleet.Verdicts.Any(v => v.Verdict.HardwareClass == progress.HardwareClass && v.Verdict is { Stage: StageKind.Shadow, Decision: GateDecision.Promote })
                || fleet.Events.Any(e => e.HardwareClass == progress.HardwareClass && e.Kind == "stageInconclusive");
            bool served = fleet.EverServedCandidate.Any(id => id.StartsWith(progress.HardwareClass, StringComparison.Ordinal));
            Assert.True(decided || !served, $"seed {seed}: class {progress.HardwareClass} serves the candidate without a decision");

            foreach (DeviceProgress device in progress.Devices)
            {
                Assert.True(device.Stage >= stageOf.GetValueOrDefault(device.DeviceId, -1), $"seed {seed}: {device.DeviceId} went back to stage {device.Stage}");
                stageOf[device.DeviceId] = device.Stage;
                Assert.True(device.Exit?.Standing is not DeviceStanding.Harmed and not DeviceStanding.Refused || !fleet.EverServedCandidate.Contains(device.DeviceId),
                    $"seed {seed}: {device.DeviceId} is {device.Exit?.Standing} and served the candidate");
            }
        }
        Assert.All(fleet.Last!.Goals, g => Assert.True(g.Desired!.Digest == FakeFleet.Candidate || g.Desired.Digest == FakeFleet.Baseline));
        Assert.Equal(fleet.Last!.Goals.Count, fleet.Last.Goals.DistinctBy(g => g.DeviceId).Count());
    }

    private static void Press(FakeFleet fleet, Random random)
    {
        OperatorAct[] acts = [OperatorAct.Approve, OperatorAct.Pause, OperatorAct.Resume, OperatorAct.Resume];
        string? hardwareClass = random.Next(2) == 0 ? null : "b";
        CommandResult result = RolloutReconciler.Apply(fleet.State, new OperatorCommand { Act = acts[random.Next(acts.Length)], HardwareClass = hardwareClass, At = fleet.Now });
        Assert.Equal(result.Changed, !ReferenceEquals(result.State, fleet.State));
        fleet.State = result.State;
    }

    private static Behaviour RandomBehaviour(Random random) => random.Next(12) switch
    {
        0 => new Behaviour { RefusesAtBench = true },
        1 => new Behaviour { NonFinite = true },
        2 => new Behaviour { CrashesWhenActive = true },
        3 => new Behaviour { FailsToFetch = true },
        4 => new Behaviour { DisagreementRate = 0.4 },
        5 => new Behaviour { LogLatencyRatio = 0.3 },
        6 => new Behaviour { SilentFrom = random.Next(40), SilentUntil = random.Next(2) == 0 ? int.MaxValue : random.Next(40, 120) },
        _ => new Behaviour { DisagreementRate = random.NextDouble() * 0.01, LogLatencyRatio = (random.NextDouble() * 0.2) - 0.2 },
    };
}

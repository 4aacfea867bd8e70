using EdgeFleet.Rollouts.Specs;

namespace EdgeFleet.Rollouts.Tests.Stages;

/// <summary>Specs and policies with short times, for virtual time.</summary>
internal static class Rollouts
{
    public static PolicySpec Policy { get; } = new()
    {
        Name = "short",
        Evidence = new EvidenceSpec { TickMilliseconds = 1000, PairsPerDevice = 300, CalibrationTicks = 3, CalibrationNoisePairs = 12, SamplingPercent = 100, MaximumPairsPerSecond = FakeFleet.PairsPerTick },
        Soak = new SoakSpec { ShadowSeconds = 5, CanarySeconds = 5, RampSeconds = 2 },
        Limits = new LimitsSpec { DeviceSeconds = 30, SilentSeconds = 10, StageSeconds = 120 },
        Probation = new ProbationSpec { Seconds = 2 },
    };

    public static RolloutSpec Staged { get; } = new()
    {
        Name = "int8",
        Model = "fashion",
        Candidate = FakeFleet.Candidate,
        Stages =
        [
            new StageSpec { Kind = StageKind.Bench, Devices = 1 },
            new StageSpec { Kind = StageKind.Shadow, Devices = 30 },
            new StageSpec { Kind = StageKind.Canary, Devices = 2 },
            new StageSpec { Kind = StageKind.Full },
        ],
    };

    public static RolloutSpec Install { get; } = Staged with
    {
        Name = "first",
        Strategy = RolloutStrategy.Install,
        Stages = [new StageSpec { Kind = StageKind.Canary, Devices = 1 }, new StageSpec { Kind = StageKind.Full }],
    };
}

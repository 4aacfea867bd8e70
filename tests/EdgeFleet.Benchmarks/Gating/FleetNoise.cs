namespace EdgeFleet.Benchmarks.Gating;

/// <summary>What makes the latencies of a simulated cohort differ. Deviations are of log latencies, so 0.1 is about 10 %.</summary>
internal sealed record FleetNoise
{
    public int Devices { get; init; } = 20;

    /// <summary>How much devices differ whatever they run.</summary>
    public double DeviceSd { get; init; } = 0.1;

    /// <summary>How much the candidate's effect differs from device to device.</summary>
    public double EffectSd { get; init; } = 0.03;

    /// <summary>
    /// Whether effects come in pairs around the true one, so that the cohort's own mean is exactly that (the rollback question);
    /// otherwise they are drawn from a class whose mean it is (the promotion question).
    /// </summary>
    public bool CohortIsExact { get; init; } = true;

    /// <summary>Noise of one inference.</summary>
    public double InferenceSd { get; init; } = 0.05;
    public bool HeavyTails { get; init; }

    /// <summary>Surroundings of each device that move slowly, both models alike (correlation of neighbouring inferences).</summary>
    public double EnvironmentPhi { get; init; }
    public double EnvironmentSd { get; init; }

    /// <summary>Devices that now and then throttle to 1.6 times the latency, for twenty inferences on average.</summary>
    public bool Throttling { get; init; }

    /// <summary>How much slower the second inference of a pair is, whichever model it runs.</summary>
    public double SecondSlot { get; init; }

    /// <summary>Whether a coin says who goes first; otherwise the baseline does.</summary>
    public bool CoinOrder { get; init; } = true;

    /// <summary>A movement of the effect itself that all devices share and that lasts from tick to tick.</summary>
    public double EffectPhi { get; init; }
    public double EffectMovementSd { get; init; }
}

namespace EdgeFleet.Cli.Simulation;

/// <summary>How simulated devices find the candidate. Every figure that comes from it is marked as modelled.</summary>
internal sealed record HollowBehaviour
{
    /// <summary>Candidate's time over the baseline's on a typical device.</summary>
    public double LatencyRatio { get; init; } = 0.9;

    /// <summary>Standard deviation of the log ratio between devices.</summary>
    public double DeviceSpread { get; init; } = 0.03;

    /// <summary>Share of inputs on which the candidate answers differently.</summary>
    public double Disagreement { get; init; } = 0.002;

    /// <summary>Time that loading a model takes a runner.</summary>
    public TimeSpan LoadTime { get; init; } = TimeSpan.FromMilliseconds(20);

    public double BaselineP50Micros { get; init; } = 1000;

    public double RequestsPerSecond { get; init; } = 10;
}

using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Core.Deployments;

/// <summary>Why the controller wants this digest on the device.</summary>
public enum DesiredReason
{
    Rollout,
    /// <summary>An older digest, named by an operator or by the gate: straight to activation, no bench, no shadow.</summary>
    Rollback,
    /// <summary>What new, replaced and returning devices get.</summary>
    Assignment,
}

/// <summary>What one model should be on one device.</summary>
public sealed record DesiredDeployment
{
    public required string Model { get; init; }
    public required Digest Digest { get; init; }
    public required DeploymentGoal Goal { get; init; }
    public required DesiredReason Reason { get; init; }
    public string RolloutId { get; init; } = "";
    /// <summary>A digest that failed is refused until this number goes up.</summary>
    public int Attempt { get; init; } = 1;
    /// <summary>The controller's epoch at the time of writing; an older one is ignored.</summary>
    public long Epoch { get; init; }
    public DateTimeOffset? Deadline { get; init; }
    public TrialPlan Plan { get; init; } = new();
}

/// <summary>The desired state of one device; <paramref name="Generation"/> only goes up.</summary>
public sealed record DesiredState(long Generation, long Epoch, IReadOnlyDictionary<string, DesiredDeployment> Models);

/// <summary>How the device measures, shadows and watches a candidate. Frozen by the rollout's policy before the stage begins.</summary>
public sealed record TrialPlan
{
    /// <summary>Install: no baseline to compare with, so no bench and no shadow; invariants only.</summary>
    public bool Install { get; init; }
    /// <summary>Top-1 agreement gates (a compressed form of the baseline) or only informs (a retrained model).</summary>
    public bool AgreementGates { get; init; } = true;
    public int BenchBlocks { get; init; } = 30;
    /// <summary>The whole protocol: several cold starts, the tail of the distribution, processor counters. A few devices of a class run it.</summary>
    public bool BenchFull { get; init; }
    public int BenchBlockMs { get; init; } = 250;
    public int BenchWarmUpMs { get; init; } = 1000;
    /// <summary>Slower than the baseline by more than this share (0.05 = 5 %), with the interval wholly beyond: refused here.</summary>
    public double BenchLatencyMargin { get; init; } = 0.05;
    /// <summary>Peak memory above the baseline's by more than this share: refused here.</summary>
    public double BenchMemoryMargin { get; init; } = 0.10;
    /// <summary>Energy per inference above the baseline's by more than this share, or not measured: refused here. Null asks nothing.</summary>
    public double? BenchEnergyMargin { get; init; }
    public int ShadowTickMs { get; init; } = 60_000;
    /// <summary>Share of served inputs that are copied to the shadow.</summary>
    public double ShadowSamplingShare { get; init; } = 0.05;
    /// <summary>Share of sampled inputs on which the baseline runs twice, for the noise floor.</summary>
    public double ShadowNoiseShare { get; init; } = 0.10;
    /// <summary>At most this many pairs a second.</summary>
    public double ShadowMaxPerSecond { get; init; } = 1;
    /// <summary>The shadow rests when it makes the served model slower by more than this share.</summary>
    public double ShadowTaxBudget { get; init; } = 0.05;
    /// <summary>A pair counts against the candidate's 95th percentile beyond this share above the baseline's (0.10 = 10 %).</summary>
    public double ShadowLatencyP95Margin { get; init; } = 0.10;
    public double ShadowLatencyP99Margin { get; init; } = 0.15;
    /// <summary>Request parameters by which the shadow counts apart.</summary>
    public SliceList ShadowSlices { get; init => field = value ?? SliceList.None; } = SliceList.None; // a stored document that does not say it sets null
    /// <summary>In percent: so many of the device's requests the candidate answers while it is compared. 0: none.</summary>
    public double ServePercent { get; init; }
    public long WorkerMemoryBytes { get; init; } = 1L << 30;
    public int ProbationSeconds { get; init; } = 3600;
    /// <summary>Crash loops, NaN and wrong shapes end a probation at once; this many failed requests do too.</summary>
    public int ProbationMaxFailures { get; init; }
    /// <summary>When the device may begin to activate; null: at any time. A rollback is not bound by it.</summary>
    public MaintenanceWindows? Maintenance { get; init; }
}

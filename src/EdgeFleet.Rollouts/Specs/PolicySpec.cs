using System.Text.Json.Serialization;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;

namespace EdgeFleet.Rollouts.Specs;

/// <summary>What is taken back when a hardware class is harmed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HarmResponse>))]
public enum HarmResponse
{
    /// <summary>Only that class; the others go on.</summary>
    [JsonStringEnumMemberName("rollbackClass")] RollbackClass,

    /// <summary>The whole rollout.</summary>
    [JsonStringEnumMemberName("rollbackRollout")] RollbackRollout,
}

/// <summary>How much worse a candidate may be.</summary>
public sealed record MarginsSpec
{
    /// <summary>Share of inputs with another top-1 answer, in percentage points over the baseline's own noise.</summary>
    public double DisagreementPoints { get; init; } = 2;

    public double LatencyP50Percent { get; init; } = 5;

    /// <summary>Slow requests; the device holds each pair against its own threshold.</summary>
    public double LatencyP95Percent { get; init; } = 10;

    public double LatencyP99Percent { get; init; } = 15;

    /// <summary>Drop in accuracy on inputs whose label came, in percentage points.</summary>
    public double AccuracyPoints { get; init; } = 1;

    /// <summary>Rise of the Brier score (0 to 1) on them, in hundredths.</summary>
    public double BrierPoints { get; init; } = 1;

    /// <summary>Peak memory; applied by the device at its benchmark.</summary>
    public double MemoryPeakPercent { get; init; } = 10;

    /// <summary>
    /// Energy per inference; applied by the device at its benchmark. Null: measured where there is a meter, and nothing is
    /// asked of it. With a margin a device without a meter refuses: no evidence is no pass.
    /// </summary>
    public double? EnergyPercent { get; init; }
}

/// <summary>Weights of the metrics in the rollback question; only their ratio counts.</summary>
public sealed record WeightsSpec
{
    public double Disagreement { get; init; } = 1;

    public double LatencyP50 { get; init; } = 1;

    public double LatencyP95 { get; init; } = 0.5;

    public double LatencyP99 { get; init; } = 0.5;

    public double Accuracy { get; init; } = 1;

    /// <summary>It says much of what accuracy says.</summary>
    public double Brier { get; init; }
}

/// <summary>How evidence is gathered in the shadow.</summary>
public sealed record EvidenceSpec
{
    public int TickMilliseconds { get; init; } = 60_000;

    /// <summary>Share of served inputs that are copied.</summary>
    public double SamplingPercent { get; init; } = 5;

    /// <summary>Share of copies on which the baseline runs twice, for the noise floor.</summary>
    public double NoisePercent { get; init; } = 10;

    public double MaximumPairsPerSecond { get; init; } = 1;
    /// <summary>How much slower the served model may become while the shadow compares; beyond that the shadow rests.</summary>
    public double ShadowTaxPercent { get; init; } = 5;

    /// <summary>Request parameters by which evidence is told apart (camera, site, class), with the values that may leave a device.</summary>
    public SliceList Slices { get; init => field = value ?? SliceList.None; } = SliceList.None; // a stored document that does not say it sets null

    /// <summary>Pairs after which a device of a large class has said its word.</summary>
    public int PairsPerDevice { get; init; } = 500;

    /// <summary>Labelled rows after which it has, where accuracy or the Brier score is a guardrail.</summary>
    public int LabelsPerDevice { get; init; } = 500;

    /// <summary>First ticks of each device that only measure the noise and are not judged.</summary>
    public int CalibrationTicks { get; init; } = 3;

    /// <summary>
    /// Baseline-against-itself pairs that a class needs before it is judged. What counts as harm is the margin above the upper
    /// bound of the noise: with 150 quiet pairs that bound is 2 points, the size of the margin, and with 30 it would be 9.5.
    /// </summary>
    public int CalibrationNoisePairs { get; init; } = 150;
}

/// <summary>The benchmark on the device.</summary>
public sealed record BenchSpec
{
    /// <summary>Paired blocks on the devices of the bench stage.</summary>
    public int Blocks { get; init; } = 30;

    /// <summary>Paired blocks on all other devices.</summary>
    public int ShortBlocks { get; init; } = 12;

    public int BlockMilliseconds { get; init; } = 250;

    public int WarmUpMilliseconds { get; init; } = 1000;
}

/// <summary>Budgets and time limits.</summary>
public sealed record LimitsSpec
{
    /// <summary>Memory of the candidate's worker; over it is a broken invariant.</summary>
    public int WorkerMemoryMiB { get; init; } = 1024;

    /// <summary>
    /// Time that a device has for what a stage asks of it (probation comes on top); then it counts as the worst. A class that is
    /// taken back waits as long for its devices.
    /// </summary>
    public int DeviceSeconds { get; init; } = 3600;

    /// <summary>A device not heard of for this long (or three times its expected contact, if longer) counts as the worst.</summary>
    public int SilentSeconds { get; init; } = 900;

    /// <summary>A stage that has not been decided by then is inconclusive and waits for a person; longer than every soak.</summary>
    public int StageSeconds { get; init; } = 1_209_600;

    /// <summary>Missing and failed devices that a serving stage of a large class may have and still be promoted.</summary>
    public double MissingPercent { get; init; } = 5;
}

/// <summary>Least time between the beginning of a stage and its promotion.</summary>
public sealed record SoakSpec
{
    public int ShadowSeconds { get; init; } = 7200;

    /// <summary>
    /// A week: what differs between a weekday and a Sunday, a day shift and a night shift, the first serving devices have seen
    /// before anybody else serves.
    /// </summary>
    public int CanarySeconds { get; init; } = 604_800;

    public int RampSeconds { get; init; } = 3600;
}

/// <summary>How a device watches a candidate that serves, before it commits.</summary>
public sealed record ProbationSpec
{
    public int Seconds { get; init; } = 3600;

    public int MaximumFailedRequests { get; init; }
}

/// <summary>By which clock maintenance windows are read.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MaintenanceClock>))]
public enum MaintenanceClock
{
    /// <summary>The device's own, in its own time zone.</summary>
    [JsonStringEnumMemberName("device")] Device,

    [JsonStringEnumMemberName("utc")] Utc,
}

/// <summary>Margins, error rates, times and sampling of rollouts (<c>kind: Policy</c>).</summary>
public sealed record PolicySpec
{
    public const string DefaultName = "default";

    public string Name { get; init; } = DefaultName;

    /// <summary>Chance of promoting a class whose harm lies at the margin.</summary>
    public double AlphaPromotion { get; init; } = 0.05;

    /// <summary>Chance of taking back a candidate whose harm lies at the margin.</summary>
    public double AlphaRollback { get; init; } = 0.05;

    public HarmResponse OnHarm { get; init; } = HarmResponse.RollbackClass;

    public MarginsSpec Margins { get; init; } = new();

    public WeightsSpec Weights { get; init; } = new();

    public GuardrailsSpec Guardrails { get; init => field = value ?? new(); } = new(); // a stored document that does not say it sets null

    public EvidenceSpec Evidence { get; init; } = new();

    public BenchSpec Bench { get; init; } = new();

    public LimitsSpec Limits { get; init; } = new();

    public SoakSpec Soak { get; init; } = new();

    public ProbationSpec Probation { get; init; } = new();

    /// <summary>When devices may begin to activate; null: at any time.</summary>
    public MaintenanceWindows? Maintenance { get; init; }

    /// <summary>Least time between the beginning of a stage of this kind and its promotion.</summary>
    public TimeSpan SoakOf(StageKind kind) => TimeSpan.FromSeconds(kind switch
    {
        StageKind.Shadow => Soak.ShadowSeconds,
        StageKind.Canary => Soak.CanarySeconds,
        StageKind.Ramp => Soak.RampSeconds,
        _ => 0,
    });
}

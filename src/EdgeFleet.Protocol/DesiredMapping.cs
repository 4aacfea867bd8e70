using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;
using Google.Protobuf.WellKnownTypes;
using Wire = EdgeFleet.Protocol.V1;

namespace EdgeFleet.Protocol;

/// <summary>Between the wire's desired state and the vocabulary. Reading checks everything: the peer may be of another version.</summary>
public static class DesiredMapping
{
    public static Wire.DesiredState ToWire(DesiredState state)
    {
        Wire.DesiredState wire = new() { Generation = (ulong)state.Generation, Epoch = (ulong)state.Epoch };
        foreach ((string model, DesiredDeployment desired) in state.Models)
        {
            wire.Models[model] = ToWire(desired);
        }
        return wire;
    }

    /// <exception cref="FormatException">A field has a value that this build does not know.</exception>
    public static DesiredState ToCore(Wire.DesiredState wire) => new(
        checked((long)wire.Generation),
        checked((long)wire.Epoch),
        wire.Models.ToDictionary(pair => Identifier.Require("desired model", pair.Key), pair => ToCore(pair.Key, pair.Value)));

    public static Wire.DeviceFacts ToWire(HardwareFacts facts) => new()
    {
        Board = facts.Board,
        MemoryMib = (uint)facts.MemoryMiB,
        PowerMode = facts.PowerMode,
        Runtime = facts.Runtime,
        Provider = facts.Provider,
        Threads = (uint)facts.Threads,
    };

    public static HardwareFacts ToCore(Wire.DeviceFacts wire) =>
        new(wire.Board, checked((int)wire.MemoryMib), wire.PowerMode, wire.Runtime, wire.Provider, checked((int)wire.Threads));

    private static Wire.DesiredDeployment ToWire(DesiredDeployment desired) => new()
    {
        Digest = desired.Digest.ToString(),
        Goal = (Wire.Goal)((int)desired.Goal + 1),
        Reason = (Wire.Reason)((int)desired.Reason + 1),
        RolloutId = desired.RolloutId,
        Attempt = (uint)desired.Attempt,
        Epoch = (ulong)desired.Epoch,
        Deadline = desired.Deadline is { } deadline ? Timestamp.FromDateTimeOffset(deadline) : null,
        Plan = ToWire(desired.Plan),
    };

    private static DesiredDeployment ToCore(string model, Wire.DesiredDeployment wire) => new()
    {
        Model = model,
        Digest = Digest.Parse(wire.Digest),
        Goal = Known<DeploymentGoal>("goal", (int)wire.Goal - 1),
        Reason = Known<DesiredReason>("reason", (int)wire.Reason - 1),
        RolloutId = wire.RolloutId,
        Attempt = checked((int)wire.Attempt),
        Epoch = checked((long)wire.Epoch),
        Deadline = wire.Deadline?.ToDateTimeOffset(),
        Plan = wire.Plan is null ? new TrialPlan() : ToCore(wire.Plan),
    };

    private static Wire.TrialPlan ToWire(TrialPlan plan) => new()
    {
        Install = plan.Install,
        AgreementGates = plan.AgreementGates,
        BenchBlocks = (uint)plan.BenchBlocks,
        BenchBlockMs = (uint)plan.BenchBlockMs,
        BenchWarmUpMs = (uint)plan.BenchWarmUpMs,
        BenchLatencyMargin = plan.BenchLatencyMargin,
        BenchMemoryMargin = plan.BenchMemoryMargin,
        ShadowTickMs = (uint)plan.ShadowTickMs,
        ShadowSamplingShare = plan.ShadowSamplingShare,
        ShadowNoiseShare = plan.ShadowNoiseShare,
        ShadowMaxPerSecond = plan.ShadowMaxPerSecond,
        ShadowTaxBudget = plan.ShadowTaxBudget,
        WorkerMemoryBytes = (ulong)plan.WorkerMemoryBytes,
        ProbationSeconds = (uint)plan.ProbationSeconds,
        ProbationMaxFailures = (uint)plan.ProbationMaxFailures,
    };

    private static TrialPlan ToCore(Wire.TrialPlan wire) => new()
    {
        Install = wire.Install,
        AgreementGates = wire.AgreementGates,
        BenchBlocks = checked((int)wire.BenchBlocks),
        BenchBlockMs = checked((int)wire.BenchBlockMs),
        BenchWarmUpMs = checked((int)wire.BenchWarmUpMs),
        BenchLatencyMargin = wire.BenchLatencyMargin,
        BenchMemoryMargin = wire.BenchMemoryMargin,
        ShadowTickMs = checked((int)wire.ShadowTickMs),
        ShadowSamplingShare = wire.ShadowSamplingShare,
        ShadowNoiseShare = wire.ShadowNoiseShare,
        ShadowMaxPerSecond = wire.ShadowMaxPerSecond,
        ShadowTaxBudget = wire.HasShadowTaxBudget ? wire.ShadowTaxBudget : new TrialPlan().ShadowTaxBudget,
        WorkerMemoryBytes = checked((long)wire.WorkerMemoryBytes),
        ProbationSeconds = checked((int)wire.ProbationSeconds),
        ProbationMaxFailures = checked((int)wire.ProbationMaxFailures),
    };

    private static T Known<T>(string what, int value) where T : struct, System.Enum =>
        System.Enum.IsDefined((T)(object)value) ? (T)(object)value : throw new FormatException($"desired state: {what} {value + 1} is not known to this build");
}

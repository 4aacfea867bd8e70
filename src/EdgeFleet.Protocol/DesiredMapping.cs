using System.Globalization;
using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;
using EdgeFleet.Core.Evidence;
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

    /// <exception cref="FormatException">A field has a value that this build does not know; the message names the model, the field and the value.</exception>
    public static DesiredState ToCore(Wire.DesiredState wire) => new(
        Whole("desired state: generation", wire.Generation),
        Whole("desired state: epoch", wire.Epoch),
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

    private static DesiredDeployment ToCore(string model, Wire.DesiredDeployment wire)
    {
        string of = $"desired state of model '{model}'";
        return new()
        {
            Model = model,
            Digest = Digest.TryParse(wire.Digest, out Digest digest) ? digest : throw new FormatException($"{of}: '{wire.Digest}' is not a digest"),
            Goal = Known<DeploymentGoal>($"{of}: goal", (int)wire.Goal - 1),
            Reason = Known<DesiredReason>($"{of}: reason", (int)wire.Reason - 1),
            RolloutId = wire.RolloutId.Length == 0 ? "" : Identifier.Require($"{of}: rollout", wire.RolloutId),
            Attempt = Count($"{of}: attempt", wire.Attempt),
            Epoch = Whole($"{of}: epoch", wire.Epoch),
            Deadline = wire.Deadline is null ? null : WireTime.Read($"{of}: deadline", wire.Deadline),
            Plan = wire.Plan is null ? new TrialPlan() : ToCore($"{of}: plan", wire.Plan),
        };
    }

    private static Wire.TrialPlan ToWire(TrialPlan plan)
    {
        Wire.TrialPlan wire = new()
        {
            Install = plan.Install,
            AgreementGates = plan.AgreementGates,
            BenchBlocks = (uint)plan.BenchBlocks,
            BenchBlockMs = (uint)plan.BenchBlockMs,
            BenchFull = plan.BenchFull,
            BenchWarmUpMs = (uint)plan.BenchWarmUpMs,
            BenchLatencyMargin = plan.BenchLatencyMargin,
            BenchMemoryMargin = plan.BenchMemoryMargin,
            ShadowTickMs = (uint)plan.ShadowTickMs,
            ShadowSamplingShare = plan.ShadowSamplingShare,
            ShadowNoiseShare = plan.ShadowNoiseShare,
            ShadowMaxPerSecond = plan.ShadowMaxPerSecond,
            ShadowTaxBudget = plan.ShadowTaxBudget,
            ShadowLatencyP95Margin = plan.ShadowLatencyP95Margin,
            ShadowLatencyP99Margin = plan.ShadowLatencyP99Margin,
            ServePercent = plan.ServePercent,
            WorkerMemoryBytes = (ulong)plan.WorkerMemoryBytes,
            ProbationSeconds = (uint)plan.ProbationSeconds,
            ProbationMaxFailures = (uint)plan.ProbationMaxFailures,
        };
        if (plan.BenchEnergyMargin is { } energy)
        {
            wire.BenchEnergyMargin = energy; // absent is not zero
        }
        if (plan.Maintenance is { } maintenance)
        {
            wire.MaintenanceWindows.AddRange(maintenance.All.Select(window => window.ToString()));
            wire.MaintenanceUtc = maintenance.Utc;
            wire.MaintenanceDownloads = maintenance.Downloads;
        }
        wire.ShadowSlices.AddRange(plan.ShadowSlices.Names.Select(slice => new Wire.ShadowSlice { Name = slice.Key, Values = { slice.Value } }));
        return wire;
    }

    private static TrialPlan ToCore(string of, Wire.TrialPlan wire) => new()
    {
        Install = wire.Install,
        AgreementGates = wire.AgreementGates,
        BenchBlocks = Count($"{of}: bench_blocks", wire.BenchBlocks),
        BenchFull = wire.BenchFull,
        BenchBlockMs = Count($"{of}: bench_block_ms", wire.BenchBlockMs),
        BenchWarmUpMs = Count($"{of}: bench_warm_up_ms", wire.BenchWarmUpMs),
        BenchLatencyMargin = Number($"{of}: bench_latency_margin", wire.BenchLatencyMargin),
        BenchMemoryMargin = Number($"{of}: bench_memory_margin", wire.BenchMemoryMargin),
        BenchEnergyMargin = wire.HasBenchEnergyMargin ? Number($"{of}: bench_energy_margin", wire.BenchEnergyMargin) : null,
        ShadowTickMs = Count($"{of}: shadow_tick_ms", wire.ShadowTickMs),
        ShadowSamplingShare = Amount($"{of}: shadow_sampling_share", wire.ShadowSamplingShare),
        ShadowNoiseShare = Amount($"{of}: shadow_noise_share", wire.ShadowNoiseShare),
        ShadowMaxPerSecond = Amount($"{of}: shadow_max_per_second", wire.ShadowMaxPerSecond),
        ShadowTaxBudget = wire.HasShadowTaxBudget ? Amount($"{of}: shadow_tax_budget", wire.ShadowTaxBudget) : new TrialPlan().ShadowTaxBudget,
        ShadowLatencyP95Margin = wire.HasShadowLatencyP95Margin ? Amount($"{of}: shadow_latency_p95_margin", wire.ShadowLatencyP95Margin) : new TrialPlan().ShadowLatencyP95Margin,
        ShadowLatencyP99Margin = wire.HasShadowLatencyP99Margin ? Amount($"{of}: shadow_latency_p99_margin", wire.ShadowLatencyP99Margin) : new TrialPlan().ShadowLatencyP99Margin,
        ShadowSlices = SliceList.Of(wire.ShadowSlices.Select(slice => (slice.Name, (IReadOnlyList<string>)[.. slice.Values]))),
        Maintenance = Windows($"{of}: maintenance_windows", wire),
        ServePercent = Amount($"{of}: serve_percent", wire.ServePercent) is var percent and <= 100
            ? percent
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{of}: serve_percent {wire.ServePercent} is above 100")),
        WorkerMemoryBytes = Whole($"{of}: worker_memory_bytes", wire.WorkerMemoryBytes),
        ProbationSeconds = Count($"{of}: probation_seconds", wire.ProbationSeconds),
        ProbationMaxFailures = Count($"{of}: probation_max_failures", wire.ProbationMaxFailures),
    };

    private static MaintenanceWindows? Windows(string what, Wire.TrialPlan wire)
    {
        try
        {
            return wire.MaintenanceWindows.Count == 0 ? null : MaintenanceWindows.Of(wire.MaintenanceWindows, wire.MaintenanceUtc, wire.MaintenanceDownloads);
        }
        catch (FormatException ex)
        {
            throw new FormatException($"{what}: {ex.Message}", ex);
        }
    }

    private static int Count(string what, uint value) => value <= int.MaxValue ? (int)value : throw new FormatException($"{what} {value} is above {int.MaxValue}");

    private static long Whole(string what, ulong value) => value <= long.MaxValue ? (long)value : throw new FormatException($"{what} {value} is above {long.MaxValue}");

    private static double Amount(string what, double value) => Number(what, value) >= 0
        ? value
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{what} {value} is below 0"));

    private static double Number(string what, double value) => double.IsFinite(value)
        ? value
        : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"{what} {value} is not a number"));

    private static T Known<T>(string what, int value) where T : struct, System.Enum =>
        System.Enum.IsDefined((T)(object)value) ? (T)(object)value : throw new FormatException($"{what} {value + 1} is not known to this build");
}

using EdgeFleet.Core;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Devices;

namespace EdgeFleet.Controller.Ingest;

/// <summary>A report that was read and checked, in the fleet's words. Who sent it is known from its topic.</summary>
internal abstract record IncomingReport(string Device)
{
    /// <summary>A connection's birth or will; it has no place in the sequence.</summary>
    public sealed record Presence(string Device, long Epoch, bool Online, string AgentVersion) : IncomingReport(Device);

    /// <summary>How the device and its models are doing; it is not stored, and the newest is all that counts.</summary>
    public sealed record Metric(
        string Device, IReadOnlyDictionary<string, double> Values, IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Models) : IncomingReport(Device);

    /// <summary>Everything that is stored once, by (device, boot, seq).</summary>
    public abstract record Sequenced(string Device, long Boot, long Seq) : IncomingReport(Device);

    public sealed record State(
        string Device, long Boot, long Seq, long Generation, HardwareFacts? Facts, string HardwareClass,
        IReadOnlyList<ModelState> Models, IReadOnlyDictionary<string, string> Labels, string AgentVersion, IReadOnlyList<string> ReleaseKeyIds, string Runner) : Sequenced(Device, Boot, Seq);

    public sealed record Deployment(
        string Device, long Boot, long Seq, string Model, Digest Digest, string RolloutId, int Attempt, long Generation,
        DeploymentPhase Phase, string Code, string Detail, bool Invariant, string HardwareClass, string? ProbationJson) : Sequenced(Device, Boot, Seq);

    public sealed record Bench(
        string Device, long Boot, long Seq, string Model, Digest Digest, string BaselineDigest, string RolloutId, int Attempt,
        string HardwareClass, string EvidenceJson) : Sequenced(Device, Boot, Seq);

    public sealed record Shadow(
        string Device, long Boot, long Seq, string Model, Digest Digest, string RolloutId, int Attempt,
        string HardwareClass, long Tick, string TickJson) : Sequenced(Device, Boot, Seq);

    public sealed record Event(
        string Device, long Boot, long Seq, string Type, string Subject, string Detail,
        IReadOnlyDictionary<string, string> Data) : Sequenced(Device, Boot, Seq);

    /// <summary>What the device had to drop, declared so that the acknowledged sequence can go on.</summary>
    public sealed record Gap(string Device, long Boot, long Seq, IReadOnlyList<(long First, long Last)> Dropped, string Reason) : Sequenced(Device, Boot, Seq);
}

internal sealed record ModelState(string Model, Digest? Active, Digest? Previous, Digest? Golden, long? ServingSinceMs);

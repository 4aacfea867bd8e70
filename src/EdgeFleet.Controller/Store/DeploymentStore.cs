using EdgeFleet.Core.Deployments;
using EdgeFleet.Rollouts.Deployments;

namespace EdgeFleet.Controller.Store;

internal sealed record DeploymentRow
{
    public string DeviceId { get; init; } = "";
    public string Model { get; init; } = "";
    public string Digest { get; init; } = "";
    public string RolloutId { get; init; } = "";
    public int Attempt { get; init; }
    public long Generation { get; init; }
    public string Phase { get; init; } = "";
    public string Code { get; init; } = "";
    public string Detail { get; init; } = "";
    public bool Invariant { get; init; }
    public string HardwareClass { get; init; } = "";
    public string? Probation { get; init; }
    public long Boot { get; init; }
    public long Seq { get; init; }
    public long UpdatedAt { get; init; }
}

internal sealed record BenchRow
{
    public string DeviceId { get; init; } = "";
    public int Attempt { get; init; }
    public string HardwareClass { get; init; } = "";
    public string Evidence { get; init; } = "";
    public long At { get; init; }
}

internal sealed record TickRow
{
    public long Id { get; init; }
    public string DeviceId { get; init; } = "";
    public int Attempt { get; init; }
    public long Tick { get; init; }
    public string HardwareClass { get; init; } = "";
    public string Evidence { get; init; } = "";
    public long At { get; init; }
}

/// <summary>What devices reported of their deployments, with the evidence.</summary>
internal static class DeploymentStore
{
    public static IReadOnlyList<DeploymentRow> ListOfDevice(ReadSession session, string deviceId) =>
        session.Query<DeploymentRow>("SELECT * FROM deployments WHERE device_id = @deviceId ORDER BY updated_at DESC LIMIT 50", new { deviceId });

    public static IReadOnlyList<DeploymentRow> ListOfRollout(ReadSession session, string rolloutId, int attempt) => session.Query<DeploymentRow>(
        "SELECT * FROM deployments WHERE rollout_id = @rolloutId AND attempt = @attempt ORDER BY device_id", new { rolloutId, attempt });

    /// <summary>Devices that have said once that they serve the digest for good.</summary>
    public static IReadOnlyList<string> ListCommitted(ReadSession session, string model, string digest) => session.Query<string>(
        "SELECT DISTINCT device_id FROM deployments WHERE model = @model AND digest = @digest AND phase = 'Committed'", new { model, digest });

    /// <summary>Of every device what it says of the candidate; only its phase is read.</summary>
    public static Dictionary<string, string> ListCandidatePhases(ReadSession session, string rolloutId, int attempt, string model, string candidate) => OfCandidate(
        session.Query<DeploymentRow>(
            "SELECT device_id, model, digest, phase, boot, seq FROM deployments WHERE rollout_id = @rolloutId AND attempt = @attempt", new { rolloutId, attempt }),
        model, candidate).ToDictionary(row => row.Key, row => row.Value.Phase, StringComparer.Ordinal);

    /// <summary>
    /// What each device says of the candidate, and not of what it was told to go back to. A device works on one deployment of
    /// a model at a time, so with a newer word on another digest the candidate's is over, even where its last word was lost.
    /// Nothing keeps a device from naming the rollout with another model: that is no word on this one.
    /// </summary>
    public static Dictionary<string, DeploymentRow> OfCandidate(IReadOnlyList<DeploymentRow> reported, string model, string candidate)
    {
        List<DeploymentRow> rows = [.. reported.Where(row => row.Model == model)];
        Dictionary<string, DeploymentRow> found = rows.Where(row => row.Digest == candidate).ToDictionary(row => row.DeviceId, StringComparer.Ordinal);
        foreach (DeploymentRow other in rows.Where(row => row.Digest != candidate))
        {
            if (found.TryGetValue(other.DeviceId, out DeploymentRow? row) && (other.Boot, other.Seq).CompareTo((row.Boot, row.Seq)) > 0
                && !DeploymentMachine.IsEnd(Enum.Parse<DeploymentPhase>(row.Phase)))
            {
                found[other.DeviceId] = row with { Phase = nameof(DeploymentPhase.Superseded) };
            }
        }
        return found;
    }

    public static IReadOnlyList<DeploymentRow> ListOfRollout(ReadSession session, string rolloutId, int attempt, IReadOnlyCollection<string> deviceIds) =>
        session.Query<DeploymentRow>(
            "SELECT * FROM deployments WHERE rollout_id = @rolloutId AND attempt = @attempt AND device_id IN @deviceIds", new { rolloutId, attempt, deviceIds });

    public static IReadOnlyList<BenchRow> ListBenches(ReadSession session, string rolloutId, int attempt, IReadOnlyCollection<string> deviceIds) =>
        session.Query<BenchRow>(
            "SELECT * FROM benches WHERE rollout_id = @rolloutId AND attempt = @attempt AND device_id IN @deviceIds", new { rolloutId, attempt, deviceIds });

    public static IReadOnlyList<TickRow> ListTicks(ReadSession session, string rolloutId, int attempt, IReadOnlyCollection<string> deviceIds) => session.Query<TickRow>(
        """
        SELECT id, device_id, attempt, tick, hardware_class, evidence, at FROM ticks
        WHERE rollout_id = @rolloutId AND device_id IN @deviceIds AND attempt = @attempt ORDER BY id
        """,
        new { rolloutId, attempt, deviceIds });

    public static IReadOnlyList<BenchRow> ListBenches(ReadSession session, string rolloutId, int attempt) => session.Query<BenchRow>(
        "SELECT * FROM benches WHERE rollout_id = @rolloutId AND attempt = @attempt ORDER BY device_id", new { rolloutId, attempt });

    /// <summary>Ticks in the order in which they arrived, after one that was read before.</summary>
    public static IReadOnlyList<TickRow> ListTicks(ReadSession session, string rolloutId, int attempt, long afterId, int limit) => session.Query<TickRow>(
        """
        SELECT id, device_id, attempt, tick, hardware_class, evidence, at FROM ticks
        WHERE rollout_id = @rolloutId AND attempt = @attempt AND id > @afterId ORDER BY id LIMIT @limit
        """,
        new { rolloutId, attempt, afterId, limit });
}

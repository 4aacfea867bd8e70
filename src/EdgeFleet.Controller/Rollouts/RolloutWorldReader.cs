using System.Text;
using System.Text.Json;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Artifacts;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>
/// Reads from the store what one rollout's decision depends on. What the ticks come to stays here, so that each look costs what
/// is new; all of it can be read again at any time.
/// </summary>
internal sealed class RolloutWorldReader(DeviceStreams streams, DateTimeOffset startedAt)
{
    private readonly ReportedEvidence _evidence = new();

    public RolloutWorld Read(ReadSession session, RolloutState state, DateTimeOffset now)
    {
        string model = state.Spec.Model;
        Dictionary<string, string> drawn = state.Classes.SelectMany(c => c.Devices.Select(d => (d.DeviceId, c.HardwareClass)))
            .ToDictionary(d => d.DeviceId, d => d.HardwareClass, StringComparer.Ordinal);
        Dictionary<string, string?> active = DeviceStore.ListSlotsOfModel(session, model).ToDictionary(row => row.DeviceId, row => row.Active, StringComparer.Ordinal);
        Dictionary<string, DeploymentRow> deployments = DeploymentStore.OfCandidate(
            DeploymentStore.ListOfRollout(session, state.RolloutId, state.Spec.Attempt), model, state.Spec.Candidate.ToString());
        Dictionary<string, string> benches = DeploymentStore.ListBenches(session, state.RolloutId, state.Spec.Attempt)
            .Where(row => !drawn.TryGetValue(row.DeviceId, out string? hardwareClass) || row.HardwareClass == hardwareClass)
            .ToDictionary(row => row.DeviceId, row => row.Evidence, StringComparer.Ordinal);
        // A device that was removed from the registry is no device any more; one that was revoked is shown where it was drawn.
        List<DeviceView> views = [];
        foreach (DeviceRow device in DeviceStore.ListKnown(session))
        {
            if (device.State == DeviceStates.Active || drawn.ContainsKey(device.Id))
            {
                views.Add(View(
                    device, active.GetValueOrDefault(device.Id), deployments.GetValueOrDefault(device.Id), benches.GetValueOrDefault(device.Id), state, now));
            }
        }
        return new RolloutWorld
        {
            Now = now,
            Devices = views,
            Ticks = new StoredTicks(session, state.RolloutId, state.Spec.Attempt),
            Evidence = _evidence,
            CandidateHardwareClasses = ClassesOf(session, state),
        };
    }

    private DeviceView View(DeviceRow device, string? active, DeploymentRow? deployment, string? bench, RolloutState state, DateTimeOffset now) => new()
    {
        DeviceId = device.Id,
        HardwareClass = device.HardwareClass,
        // Labels and facts are asked when devices are drawn, and never again.
        Attributes = state.Phase == RolloutPhase.Pending ? DeviceAttributes.Of(device) : new Dictionary<string, string>(),
        Active = active is null ? null : Digest.Parse(active),
        LastSeenAt = LastSeen(device, now),
        Revoked = device.State == DeviceStates.Revoked,
        Deployment = deployment is null ? null : new DeploymentReport
        {
            Phase = Enum.Parse<DeploymentPhase>(deployment.Phase),
            InvariantBroken = deployment.Invariant,
            Code = deployment.Code.Length > 0 ? deployment.Code : null,
            Detail = deployment.Detail.Length > 0 ? deployment.Detail : null,
            Bench = bench is null ? null : ReadBench(bench),
            Probation = deployment.Probation is null ? null : JsonSerializer.Deserialize(deployment.Probation, EvidenceJsonContext.Default.ProbationEvidence),
        },
    };

    /// <summary>Evidence in the form of another version is missing evidence: a rollout under way at an upgrade measures again.</summary>
    private static BenchEvidence? ReadBench(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.TryGetProperty("schemaVersion", out JsonElement version) && version.GetInt32() == BenchEvidence.CurrentSchemaVersion
            ? document.Deserialize(EvidenceJsonContext.Default.BenchEvidence)
            : null;
    }

    /// <summary>While this controller was down nobody could be heard, so nobody's silence is older than its start.</summary>
    private DateTimeOffset? LastSeen(DeviceRow device, DateTimeOffset now)
    {
        if (streams.IsConnected(device.Id))
        {
            return now;
        }
        long last = Math.Max(Math.Max(device.LastSeenAt ?? 0, device.PresenceAt ?? 0), device.ReportedAt ?? 0);
        if (last == 0)
        {
            return null;
        }
        DateTimeOffset seen = Clock.FromMs(last);
        return seen > startedAt ? seen : startedAt;
    }

    private static IReadOnlyList<string> ClassesOf(ReadSession session, RolloutState state) =>
        ArtifactStore.Find(session, state.Spec.Candidate.ToString()) is { } row
            ? ArtifactManifest.FromBytes(Encoding.UTF8.GetBytes(row.Manifest)).HardwareClasses
            : [];
}

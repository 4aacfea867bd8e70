using System.Text.Json;
using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Rollouts;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core.Deployments;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts;
using EdgeFleet.Rollouts.Gating;
using EdgeFleet.Rollouts.Specs;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Api;

/// <summary>Makes the documents of a rollout from its rows.</summary>
internal static class RolloutView
{
    public static RolloutSummaryDocument Summary(RolloutRow row)
    {
        RolloutState state = RolloutDocumentCodec.ReadState(row.State);
        return new RolloutSummaryDocument(
            row.Id, row.Name, row.Model, row.Digest, row.Attempt, StateOf(state), StageOf(state), state.Reason, state.Paused,
            row.CreatedBy, Clock.FromMs(row.CreatedAt), Clock.FromMs(row.EndedAt));
    }

    /// <summary>The rollout with at most so many of its devices; of the others the phases are counted.</summary>
    public static RolloutDocument Whole(ReadSession session, RolloutRow row, DeviceStreams streams, IReadOnlyList<GateVerdict> current, int maximumDevices)
    {
        RolloutState state = RolloutDocumentCodec.ReadState(row.State);
        Dictionary<string, string> phases = DeploymentStore.ListCandidatePhases(session, row.Id, row.Attempt, row.Model, row.Digest);
        HashSet<string> serving = [.. DeviceStore.ListSlotsOfModel(session, row.Model).Where(slot => slot.Active == row.Digest).Select(slot => slot.DeviceId)];
        return new RolloutDocument
        {
            Id = row.Id,
            Name = row.Name,
            Model = row.Model,
            Candidate = row.Digest,
            Attempt = row.Attempt,
            State = StateOf(state),
            Stage = StageOf(state),
            Reason = state.Reason.Length > 0 ? state.Reason : string.Join("; ", state.Classes.Select(c => (c.HardwareClass, Reason: ReasonOf(c, current))).Where(c => c.Reason.Length > 0).Select(c => $"{c.HardwareClass}: {c.Reason}")),
            Paused = state.Paused,
            CreatedBy = row.CreatedBy,
            CreatedAt = Clock.FromMs(row.CreatedAt),
            EndedAt = Clock.FromMs(row.EndedAt),
            Spec = JsonSerializer.SerializeToElement(state.Spec, RolloutsJsonContext.Default.RolloutSpec),
            Policy = JsonSerializer.SerializeToElement(state.Policy, RolloutsJsonContext.Default.PolicySpec),
            MarginsHash = state.MarginsHash.ToString(),
            Classes = Classes(state, phases, serving, current),
            DeviceCount = state.Classes.Sum(c => c.Devices.Count),
            Devices = Devices(session, row, state, streams, "", maximumDevices),
            NotDrawn = [.. state.NotDrawn.Take(maximumDevices).Select(d => new NotDrawnDocument(d.DeviceId, d.Reason))],
            Current = JsonSerializer.SerializeToElement(current.ToArray(), VerdictListJsonContext.Default.GateVerdictArray),
            Namesakes = RolloutStore.ListNamesakes(session, row),
            LastEvent = RolloutStore.LastEvent(session, row.Id),
        };
    }

    /// <summary>Devices in the order in which stages take them, class by class, those behind one of them.</summary>
    public static IReadOnlyList<RolloutDeviceDocument> Devices(ReadSession session, RolloutRow row, DeviceStreams streams, string after, int limit) =>
        Devices(session, row, RolloutDocumentCodec.ReadState(row.State), streams, after, limit);

    private static List<RolloutClassDocument> Classes(RolloutState state, Dictionary<string, string> phases, HashSet<string> serving, IReadOnlyList<GateVerdict> current) =>
        [.. state.Classes.Zip(RolloutPlanDocuments.Of(state), (c, plan) => new RolloutClassDocument(
            c.HardwareClass, Word(c.Phase), StageName(state, c.Stage), c.Stage, c.StageStartedAt, c.Paused, c.Devices.Count, c.Devices.Count(d => d.Stage >= 0), ReasonOf(c, current),
            c.Devices.GroupBy(d => PhaseOf(d, c, phases.GetValueOrDefault(d.DeviceId), serving.Contains(d.DeviceId)), StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal),
            plan, state.Spec.Strategy == RolloutStrategy.Install ? [] : [.. MetricThreshold.Of(state.Margins, c.Calibration, GateRules.Current).Select(ThresholdDocument.Of)]))];

    // The saved reason is the first of its kind; while the class is at work the newest verdict has today's numbers.
    private static string ReasonOf(ClassProgress progress, IReadOnlyList<GateVerdict> current) =>
        progress.Phase == ClassPhase.Running && current.FirstOrDefault(v => v.HardwareClass == progress.HardwareClass && v.StageIndex == progress.Stage) is { } verdict
            ? verdict.Reason : progress.Reason;

    private static List<RolloutDeviceDocument> Devices(ReadSession session, RolloutRow row, RolloutState state, DeviceStreams streams, string after, int limit)
    {
        IEnumerable<(ClassProgress Class, DeviceProgress Device)> all = state.Classes.SelectMany(c => c.Devices.Select(d => (c, d)));
        if (after.Length > 0)
        {
            all = all.SkipWhile(pair => pair.Device.DeviceId != after).Skip(1);
        }
        List<(ClassProgress Class, DeviceProgress Device)> shown = [.. all.Take(limit)];
        string[] ids = [.. shown.Select(pair => pair.Device.DeviceId)];
        Dictionary<string, DeploymentRow> deployments = DeploymentStore.OfCandidate(DeploymentStore.ListOfRollout(session, row.Id, row.Attempt, ids), row.Model, row.Digest);
        Dictionary<string, string> benches = DeploymentStore.ListBenches(session, row.Id, row.Attempt, ids).ToDictionary(b => b.DeviceId, b => b.Evidence, StringComparer.Ordinal);
        ILookup<string, ShadowTick> ticks = DeploymentStore.ListTicks(session, row.Id, row.Attempt, ids)
            .ToLookup(tick => tick.DeviceId, tick => JsonSerializer.Deserialize(tick.Evidence, EvidenceJsonContext.Default.ShadowTick)!, StringComparer.Ordinal);
        Dictionary<string, string?> active = DeviceStore.ListSlotsOf(session, ids).Where(s => s.Model == row.Model).ToDictionary(s => s.DeviceId, s => s.Active, StringComparer.Ordinal);
        return [.. shown.Select(pair => Device(
            pair.Device, pair.Class, state, deployments.GetValueOrDefault(pair.Device.DeviceId), benches.GetValueOrDefault(pair.Device.DeviceId),
            ticks[pair.Device.DeviceId], active.GetValueOrDefault(pair.Device.DeviceId), streams.IsConnected(pair.Device.DeviceId)))];
    }

    public static string Word(Enum value) => JsonNamingPolicy.CamelCase.ConvertName(value.ToString());

    private static RolloutDeviceDocument Device(
        DeviceProgress device, ClassProgress progress, RolloutState state, DeploymentRow? deployment, string? bench, IEnumerable<ShadowTick> ticks, string? active, bool online) => new()
    {
        Id = device.DeviceId,
        HardwareClass = progress.HardwareClass,
        Stage = device.Stage < 0 ? "" : StageName(state, device.Stage),
        Phase = PhaseOf(device, progress, deployment?.Phase, active == state.Spec.Candidate.ToString()),
        Code = deployment?.Code,
        Detail = device.Exit?.Reason ?? deployment?.Detail,
        Exit = device.Exit is { } exit ? Word(exit.Standing) : null,
        Before = device.Before?.ToString(),
        Active = active,
        Online = online,
        Bench = Parse(bench),
        Probation = Parse(deployment?.Probation),
        Shadow = Sum([.. ticks]),
    };

    // A device that was told to go back is no success, whatever it reached before. One without a model of before keeps the
    // candidate, and is committed to it.
    private static string PhaseOf(DeviceProgress device, ClassProgress progress, string? reported, bool serves) => reported switch
    {
        null => device.Stage < 0 ? "notAdmitted" : "offered",
        nameof(DeploymentPhase.Committed) when device.Before is not null && Goals.IsTakenBack(device, progress) => serves ? "rollingBack" : "rolledBack",
        _ => JsonNamingPolicy.CamelCase.ConvertName(reported),
    };

    private static ShadowSumDocument? Sum(List<ShadowTick> ticks)
    {
        if (ticks.Count == 0)
        {
            return null;
        }
        List<double> ratios = [.. ticks.Where(t => t is { Pairs: > 0, MedianLogLatencyRatio: not null }).Select(t => t.MedianLogLatencyRatio!.Value).Order()];
        ShadowTick? last = ticks.LastOrDefault(t => t.Pairs > 0);
        return new ShadowSumDocument(
            ticks.Count, ticks.Sum(t => (long)t.Pairs), ticks.Sum(t => (long)t.Disagreements), ticks.Sum(t => (long)t.NoisePairs), ticks.Sum(t => (long)t.NoiseDisagreements),
            ratios.Count > 0 ? Math.Exp(ratios[ratios.Count / 2]) : null, last?.BaselineP50Micros, last?.CandidateP50Micros);
    }

    /// <summary>A rollout that only a person can move on says so instead of <c>running</c>.</summary>
    private static string StateOf(RolloutState state) =>
        StageTransitions.IsEnd(state.Phase) || state.Phase == RolloutPhase.RollingBack ? Word(state.Phase)
        : state.Paused ? "paused"
        : state.Phase == RolloutPhase.Running && !state.Classes.Any(c => c.Phase is ClassPhase.Running or ClassPhase.RollingBack) ? Word(ClassPhase.AwaitingApproval)
        : Word(state.Phase);

    private static string StageOf(RolloutState state)
    {
        List<ClassProgress> going = [.. state.Classes.Where(c => !StageTransitions.IsEnd(c.Phase))];
        List<ClassProgress> shown = going.Count > 0 ? going : [.. state.Classes];
        return shown.Count > 0 ? StageName(state, shown.Min(c => c.Stage)) : "";
    }

    private static string StageName(RolloutState state, int stage) => Word(state.Spec.Stages[stage].Kind);

    private static JsonElement? Parse(string? json)
    {
        if (json is null)
        {
            return null;
        }
        using JsonDocument document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}

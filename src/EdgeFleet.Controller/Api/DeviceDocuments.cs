using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Api;

/// <summary>Makes the documents of devices from their rows.</summary>
internal static class DeviceDocuments
{
    public const string IdentityShared = "identity-shared";
    private const int EventsShown = 20;

    /// <summary>A page of devices: as many queries for two hundred as for one.</summary>
    public static IEnumerable<DeviceDocument> Page(ReadSession session, IReadOnlyList<DeviceRow> rows, DeviceStreams streams)
    {
        string[] ids = [.. rows.Select(row => row.Id)];
        ILookup<string, SlotsRow> slots = DeviceStore.ListSlotsOf(session, ids).ToLookup(slot => slot.DeviceId, StringComparer.Ordinal);
        ILookup<string, DesiredModelRow> desired = DesiredStore.ListOfDevices(session, ids).ToLookup(model => model.DeviceId, StringComparer.Ordinal);
        IReadOnlyDictionary<string, long> generations = DesiredStore.GenerationsOf(session, ids);
        return rows.Select(row => Of(row, slots[row.Id], desired[row.Id], generations.GetValueOrDefault(row.Id), streams.IsConnected(row.Id), streams.IsContested(row.Id)));
    }

    /// <summary>One device with its deployments and last events.</summary>
    public static DeviceDocument Whole(ReadSession session, DeviceRow row, DeviceStreams streams) => Page(session, [row], streams).Single() with
    {
        Deployments = [.. DeploymentStore.ListOfDevice(session, row.Id).Select(Deployment)],
        Events = [.. IngestStore.ListEvents(session, row.Id, EventsShown).Select(e => new EventDocument(e.Type, e.Subject, e.Detail, Clock.FromMs(e.At)))],
    };

    private static DeviceDocument Of(DeviceRow row, IEnumerable<SlotsRow> slotsOfDevice, IEnumerable<DesiredModelRow> desiredOfDevice, long desiredGeneration, bool online, bool contested)
    {
        Dictionary<string, SlotsRow> slots = slotsOfDevice.ToDictionary(slot => slot.Model, StringComparer.Ordinal);
        Dictionary<string, DesiredModelRow> desired = desiredOfDevice.ToDictionary(model => model.Model, StringComparer.Ordinal);
        long last = Math.Max(row.PresenceAt ?? 0, row.ReportedAt ?? 0);
        return new DeviceDocument
        {
            Id = row.Id,
            State = row.State,
            Online = online,
            LastSeen = last > 0 ? Clock.FromMs(last) : null,
            Runner = row.Runner,
            Problems = [.. Problems(row, contested)],
            HardwareClass = row.HardwareClass,
            Facts = StoreJson.ReadFacts(row.Facts),
            Labels = StoreJson.ReadMap(row.Labels),
            AgentVersion = row.AgentVersion,
            EnrolledAt = Clock.FromMs(row.EnrolledAt),
            ApprovedAt = Clock.FromMs(row.ApprovedAt),
            RevokedAt = Clock.FromMs(row.RevokedAt),
            RevokedReason = row.RevokedReason,
            Generation = row.ReportedGeneration,
            DesiredGeneration = desiredGeneration,
            Models = slots.Keys.Union(desired.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .ToDictionary(model => model, model => Model(slots.GetValueOrDefault(model), desired.GetValueOrDefault(model)), StringComparer.Ordinal),
        };
    }

    private static IEnumerable<string> Problems(DeviceRow row, bool contested)
    {
        if (row.State == DeviceStates.Active && row.Runner == RunnerStates.Away)
        {
            yield return "runner-away";
        }
        if (contested)
        {
            yield return IdentityShared;
        }
    }

    private static DeploymentDocument Deployment(DeploymentRow row) => new(
        row.Model, row.Digest, row.RolloutId, row.Attempt, row.Phase, row.Code, row.Detail, row.Invariant, Clock.FromMs(row.UpdatedAt));

    private static ModelDocument Model(SlotsRow? slots, DesiredModelRow? desired) => new(
        slots?.Active, slots?.Previous, slots?.Golden, Clock.FromMs(slots?.ServingSinceDevice),
        desired is null ? null : new DesiredDocument(desired.Digest, desired.Goal, desired.Reason, desired.RolloutId, desired.Attempt, desired.Generation));
}

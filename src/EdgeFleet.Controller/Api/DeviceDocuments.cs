using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Store;

namespace EdgeFleet.Controller.Api;

/// <summary>Makes the document of a device from its rows.</summary>
internal static class DeviceDocuments
{
    private const int EventsShown = 20;

    public static DeviceDocument Of(ReadSession session, DeviceRow row, DeviceStreams streams, bool full)
    {
        Dictionary<string, SlotsRow> slots = DeviceStore.ListSlots(session, row.Id).ToDictionary(slot => slot.Model, StringComparer.Ordinal);
        Dictionary<string, DesiredModelRow> desired = DesiredStore.ListOfDevice(session, row.Id).ToDictionary(model => model.Model, StringComparer.Ordinal);
        long? last = Math.Max(row.PresenceAt ?? 0, row.ReportedAt ?? 0);
        return new DeviceDocument
        {
            Id = row.Id,
            State = row.State,
            Online = streams.IsConnected(row.Id),
            LastSeen = last > 0 ? Clock.FromMs(last) : null,
            HardwareClass = row.HardwareClass,
            Facts = StoreJson.ReadFacts(row.Facts),
            Labels = StoreJson.ReadMap(row.Labels),
            AgentVersion = row.AgentVersion,
            EnrolledAt = Clock.FromMs(row.EnrolledAt),
            ApprovedAt = Clock.FromMs(row.ApprovedAt),
            RevokedAt = Clock.FromMs(row.RevokedAt),
            RevokedReason = row.RevokedReason,
            Generation = row.ReportedGeneration,
            DesiredGeneration = DesiredStore.GenerationOf(session, row.Id),
            Models = slots.Keys.Union(desired.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal)
                .ToDictionary(model => model, model => Model(slots.GetValueOrDefault(model), desired.GetValueOrDefault(model)), StringComparer.Ordinal),
            Deployments = full ? [.. DeploymentStore.ListOfDevice(session, row.Id).Select(Deployment)] : null,
            Events = full ? [.. IngestStore.ListEvents(session, row.Id, EventsShown).Select(e => new EventDocument(e.Type, e.Subject, e.Detail, Clock.FromMs(e.At)))] : null,
        };
    }

    public static DeploymentDocument Deployment(DeploymentRow row) => new(
        row.Model, row.Digest, row.RolloutId, row.Attempt, row.Phase, row.Code, row.Detail, row.Invariant, Clock.FromMs(row.UpdatedAt));

    private static ModelDocument Model(SlotsRow? slots, DesiredModelRow? desired) => new(
        slots?.Active, slots?.Previous, slots?.Golden, Clock.FromMs(slots?.ServingSinceDevice),
        desired is null ? null : new DesiredDocument(desired.Digest, desired.Goal, desired.Reason, desired.RolloutId, desired.Attempt, desired.Generation));
}

using EdgeFleet.Controller.Fleet;
using EdgeFleet.Controller.Hosting;
using EdgeFleet.Controller.Ingest;
using EdgeFleet.Controller.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace EdgeFleet.Controller.Api;

/// <summary>The fleet as a whole: counts, assignments, the audit log, what could not be read.</summary>
internal static class FleetEndpoints
{
    private const int MaximumPage = 1000;

    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/fleet", CountAsync).Needs(Role.Viewer).WithName("getFleet").WithSummary("Counts of devices and reports.").Produces<FleetDocument>();
        api.MapGet("/assignments", ListAssignmentsAsync).Needs(Role.Viewer).WithName("listAssignments")
            .WithSummary("What new, replaced and returning devices get.").Produces<IReadOnlyList<AssignmentDocument>>();
        api.MapGet("/audit", ListAuditAsync).Needs(Role.Viewer).WithName("listAudit")
            .WithSummary("The audit log from an entry on; verify=true walks the whole hash chain.").Produces<AuditDocument>();
        api.MapGet("/quarantine", ListQuarantineAsync).Needs(Role.Viewer).WithName("listQuarantine")
            .WithSummary("Messages from devices that could not be read, newest first.").Produces<IReadOnlyList<QuarantineDocument>>();
    }

    private static async Task<IResult> CountAsync(Database database, DeviceStreams streams, IngestDesk ingest, SyncSettings settings, CancellationToken cancellationToken)
    {
        FleetCounts counts = await database.ReadAsync(DeviceStore.Count, cancellationToken);
        (long taken, long duplicates, long quarantined) = ingest.Counters;
        return TypedResults.Ok(new FleetDocument(
            settings.Tenant, database.Epoch, counts.Devices, counts.Pending, counts.Active, counts.Revoked, counts.Online, streams.Count, taken, duplicates, quarantined));
    }

    private static async Task<IResult> ListAssignmentsAsync(Database database, CancellationToken cancellationToken)
    {
        IReadOnlyList<AssignmentRow> rows = await database.ReadAsync(AssignmentStore.List, cancellationToken);
        IReadOnlyList<AssignmentDocument> items =
            [.. rows.Select(row => new AssignmentDocument(row.Model, row.Selector, row.Digest, row.RolloutId, row.Attempt, Clock.FromMs(row.UpdatedAt)))];
        return TypedResults.Ok(items);
    }

    private static async Task<IResult> ListAuditAsync(Database database, CancellationToken cancellationToken, long after = 0, int limit = 200, bool verify = false)
    {
        (IReadOnlyList<AuditEntry> entries, string? broken) = await database.ReadAsync(
            session => (AuditStore.List(session, after, Math.Clamp(limit, 1, MaximumPage)), verify ? AuditStore.FirstBrokenLink(session) : null), cancellationToken);
        return TypedResults.Ok(new AuditDocument(
            broken is null, broken,
            [.. entries.Select(entry => new AuditEntryDocument(entry.Seq, Clock.FromMs(entry.At), entry.Actor, entry.Act, entry.Subject, entry.Detail, entry.Hash))]));
    }

    private static async Task<IResult> ListQuarantineAsync(Database database, CancellationToken cancellationToken, int limit = 100)
    {
        IReadOnlyList<QuarantineRow> rows = await database.ReadAsync(session => QuarantineStore.List(session, Math.Clamp(limit, 1, MaximumPage)), cancellationToken);
        IReadOnlyList<QuarantineDocument> items = [.. rows.Select(row => new QuarantineDocument(row.Id, row.Topic, row.Reason, row.Bytes, Clock.FromMs(row.At)))];
        return TypedResults.Ok(items);
    }
}

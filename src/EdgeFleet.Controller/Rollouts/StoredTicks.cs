using System.Text.Json;
using EdgeFleet.Controller.Store;
using EdgeFleet.Core;
using EdgeFleet.Core.Evidence;
using EdgeFleet.Rollouts.Stages;

namespace EdgeFleet.Controller.Rollouts;

/// <summary>Ticks as they lie in the store, read a bounded number at a time.</summary>
internal sealed class StoredTicks(ReadSession session, string rolloutId, int attempt) : ITickLog
{
    private const int AtOnce = 5000;

    public IEnumerable<ReportedTick> After(long id)
    {
        while (true)
        {
            IReadOnlyList<TickRow> rows = DeploymentStore.ListTicks(session, rolloutId, attempt, id, AtOnce);
            foreach (TickRow row in rows)
            {
                if (JsonSerializer.Deserialize(row.Evidence, EvidenceJsonContext.Default.ShadowTick) is { } tick)
                {
                    yield return new ReportedTick(row.Id, row.DeviceId, row.HardwareClass, Clock.FromMs(row.At), tick);
                }
            }
            if (rows.Count < AtOnce)
            {
                yield break;
            }
            id = rows[^1].Id;
        }
    }
}

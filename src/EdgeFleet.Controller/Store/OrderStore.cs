using EdgeFleet.Controller.Ingest;
using EdgeFleet.Core;

namespace EdgeFleet.Controller.Store;

/// <summary>What each device was told to do. Evidence of anything else is not evidence, and must not take room.</summary>
internal static class OrderStore
{
    public static void Note(WriteTransaction transaction, DesiredModelRow row) => transaction.Prepare(
        "INSERT OR IGNORE INTO orders (device_id, rollout_id, attempt, model, digest) VALUES (@0, @1, @2, @3, @4)")
        .Execute(row.DeviceId, row.RolloutId, row.Attempt, row.Model, row.Digest);

    public static bool IsOrdered(WriteTransaction transaction, string device, string rolloutId, int attempt, string model, Digest digest) => transaction.Prepare(
        "SELECT 1 FROM orders WHERE device_id = @0 AND rollout_id = @1 AND attempt = @2 AND model = @3 AND digest = @4")
        .QueryOne(row => row.GetInt64(0), device, rolloutId, attempt, model, digest.ToString()) > 0;

    /// <summary>A device takes back by itself what it serves, in a deployment of its own of a digest that was published.</summary>
    public static bool MayBeItsOwn(WriteTransaction transaction, IncomingReport.Deployment report) =>
        report.RolloutId.Length == 0 && report.Attempt == 1
        && transaction.Prepare("SELECT 1 FROM artifacts WHERE digest = @0 AND model = @1").QueryOne(row => row.GetInt64(0), report.Digest.ToString(), report.Model) > 0;
}

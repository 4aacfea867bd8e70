using Dapper;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>
/// The schema, as numbered steps that are applied once each and never changed after a release. The number reached is kept
/// in the file's user_version.
/// </summary>
internal static class Migrations
{
    private static readonly string[] s_steps = [Schema.Fleet + Schema.Artifacts + Schema.Reports + Schema.Rollouts, Schema.DeploymentsByDigest, Schema.Orders, Schema.DeviceReleaseKeys, Schema.RunnerOfDevices, Schema.Webhooks, Schema.ApprovalRoles];

    public static int Current => s_steps.Length;

    /// <exception cref="InvalidDataException">The file was written by a newer controller.</exception>
    public static void Apply(SqliteConnection connection, string tenant)
    {
        long reached = connection.QuerySingle<long>("PRAGMA user_version");
        if (reached > s_steps.Length)
        {
            throw new InvalidDataException($"the database is at schema {reached}; this controller knows up to {s_steps.Length}. Run the newer controller, or restore a backup.");
        }
        for (long step = reached; step < s_steps.Length; step++)
        {
            using SqliteTransaction transaction = connection.BeginTransaction();
            connection.Execute(s_steps[step], transaction: transaction);
            connection.Execute($"PRAGMA user_version = {step + 1}", transaction: transaction);
            transaction.Commit();
        }
        connection.Execute("INSERT INTO controller (id, epoch, tenant) VALUES (1, 0, @tenant) ON CONFLICT DO NOTHING", new { tenant });
        string kept = connection.QuerySingle<string>("SELECT tenant FROM controller WHERE id = 1");
        if (kept != tenant)
        {
            throw new InvalidDataException($"the database belongs to tenant '{kept}', not '{tenant}'; certificates and topics carry the name, so it cannot change");
        }
    }
}

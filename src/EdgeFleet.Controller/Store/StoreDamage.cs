using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>A database file that is damaged, as against a disk that is full or fails for a while: asking again does not help.</summary>
internal static class StoreDamage
{
    public static bool Is(SqliteException ex) => ex.SqliteErrorCode is SQLitePCL.raw.SQLITE_CORRUPT or SQLitePCL.raw.SQLITE_NOTADB;

    public static StoreUnavailableException Of(string file, string what, Exception? inner = null) => new(
        $"the database '{file}' is damaged ({what}) and the controller does not run on it; put it aside together with {Path.GetFileName(file)}-wal and -shm and restore a backup (fleet/deploy/README.md, Backup)",
        inner);
}

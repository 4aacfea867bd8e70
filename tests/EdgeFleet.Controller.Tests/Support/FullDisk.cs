using EdgeFleet.Controller.Store;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Tests.Support;

/// <summary>A disk that can be full: what is committed while it is fails as SQLite says it.</summary>
internal sealed class FullDisk : IWriteObserver
{
    private readonly TaskCompletionSource _twice = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _refused;

    public bool IsFull { get; set; }

    /// <summary>Completes when reports were refused a second time, so when they came again.</summary>
    public Task RefusedTwice => _twice.Task;

    public void Committing(IReadOnlyList<string> work)
    {
        if (!IsFull)
        {
            return;
        }
        if (work.Contains("ingest") && ++_refused == 2)
        {
            _twice.TrySetResult();
        }
        throw new SqliteException("database or disk is full", SQLitePCL.raw.SQLITE_FULL);
    }

    public void Committed(IReadOnlyList<string> work)
    {
    }
}

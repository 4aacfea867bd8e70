using Dapper;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>
/// A piece of work inside the writer's current transaction. What others are to hear of it is registered with
/// <see cref="AfterCommit"/> and runs when it is on disk, never before.
/// </summary>
internal sealed class WriteTransaction : ReadSession
{
    private readonly Dictionary<string, PreparedStatement> _prepared = new(StringComparer.Ordinal);
    private List<Action> _afterCommit = [];

    public WriteTransaction(SqliteConnection connection, long epoch)
        : base(connection, null)
    {
        Epoch = epoch;
    }

    /// <summary>Of this controller process; statements that decide what devices do carry it in their WHERE.</summary>
    public long Epoch { get; }

    /// <summary>Runs the statement and returns the number of rows that it changed.</summary>
    public int Execute(string sql, object? arguments = null) => Connection.Execute(sql, arguments, Transaction);

    /// <summary>Runs a statement that must find the epoch current.</summary>
    /// <exception cref="StaleEpochException">Another controller has taken over the database.</exception>
    public void ExecuteFenced(string what, string sql, object arguments)
    {
        if (Execute(sql, arguments) == 0)
        {
            RequireEpoch(what);
            throw new InvalidOperationException($"{what}: the statement changed no row");
        }
    }

    /// <exception cref="StaleEpochException">Another controller has taken over the database.</exception>
    public void RequireEpoch(string what)
    {
        long current = QueryOne<long>("SELECT epoch FROM controller WHERE id = 1");
        if (current != Epoch)
        {
            throw new StaleEpochException(what, Epoch, current);
        }
    }

    /// <summary>A statement that is compiled once for the life of the connection: for what runs thousands of times a second.</summary>
    public PreparedStatement Prepare(string sql)
    {
        if (!_prepared.TryGetValue(sql, out PreparedStatement? statement))
        {
            statement = new PreparedStatement(Connection, sql);
            _prepared.Add(sql, statement);
        }
        statement.Use(Transaction);
        return statement;
    }

    /// <summary>Runs once the transaction is on disk, on the writer: set a flag, complete a task, nothing slow.</summary>
    public void AfterCommit(Action action) => _afterCommit.Add(action);

    internal void Enter(SqliteTransaction transaction) => Transaction = transaction;

    internal int Mark() => _afterCommit.Count;

    /// <summary>Forgets what a failed piece of work wanted to tell.</summary>
    internal void ForgetSince(int mark) => _afterCommit.RemoveRange(mark, _afterCommit.Count - mark);

    internal List<Action> Leave()
    {
        List<Action> actions = _afterCommit;
        _afterCommit = [];
        Transaction = null;
        return actions;
    }
}

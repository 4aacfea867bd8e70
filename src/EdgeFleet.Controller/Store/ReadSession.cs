using Dapper;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>One snapshot of the database. SQL is written in this folder alone; everyone else calls the stores of each area.</summary>
internal class ReadSession
{
    private readonly SqliteConnection _connection;
    private SqliteTransaction? _transaction;

    public ReadSession(SqliteConnection connection, SqliteTransaction? transaction)
    {
        _connection = connection;
        _transaction = transaction;
    }

    public IReadOnlyList<T> Query<T>(string sql, object? arguments = null) => _connection.Query<T>(sql, arguments, _transaction).AsList();

    public T? QueryOne<T>(string sql, object? arguments = null) => _connection.QueryFirstOrDefault<T>(sql, arguments, _transaction);

    protected SqliteConnection Connection => _connection;

    protected SqliteTransaction? Transaction { get => _transaction; set => _transaction = value; }
}

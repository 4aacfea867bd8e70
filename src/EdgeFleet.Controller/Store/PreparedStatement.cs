using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>A compiled statement with positional values: parameters are named @0, @1, … in the SQL.</summary>
internal sealed class PreparedStatement
{
    private readonly SqliteCommand _command;

    public PreparedStatement(SqliteConnection connection, string sql)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
    }

    public int Execute(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <summary>Reads the first row, or returns the default when there is none.</summary>
    public T? QueryOne<T>(Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        Bind(values);
        using SqliteDataReader reader = _command.ExecuteReader();
        return reader.Read() ? read(reader) : default;
    }

    internal void Use(SqliteTransaction? transaction) => _command.Transaction = transaction;

    private void Bind(ReadOnlySpan<object?> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            object value = values[i] ?? DBNull.Value;
            if (i < _command.Parameters.Count)
            {
                _command.Parameters[i].Value = value;
            }
            else
            {
                _command.Parameters.AddWithValue($"@{i}", value);
            }
        }
    }
}

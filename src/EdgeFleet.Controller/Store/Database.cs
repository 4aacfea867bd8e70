using System.Collections.Concurrent;
using System.Threading.Channels;
using Dapper;
using Microsoft.Data.Sqlite;

namespace EdgeFleet.Controller.Store;

/// <summary>
/// The controller's one SQLite file in WAL mode with synchronous FULL: what was acknowledged survives a power cut.
/// One connection writes and checkpoints, fed by a bounded queue whose waiting pieces of work share a transaction (a flush
/// costs the same for one report as for five hundred); other connections only read.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    private readonly DatabaseOptions _options;
    private readonly SqliteConnection _writer;
    private readonly WriteTransaction _session;
    private readonly Channel<IWork> _queue;
    private readonly ConcurrentBag<SqliteConnection> _idleReaders = [];
    private readonly SemaphoreSlim _readers;
    private readonly Task _loop;
    private readonly TaskCompletionSource _damaged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _closed;

    static Database() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    private Database(DatabaseOptions options, SqliteConnection writer, long epoch)
    {
        _options = options;
        _writer = writer;
        Epoch = epoch;
        OpenedAt = options.Time.GetUtcNow();
        _session = new WriteTransaction(writer, epoch);
        _readers = new SemaphoreSlim(options.Readers);
        _queue = Channel.CreateBounded<IWork>(new BoundedChannelOptions(options.QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _loop = Task.Run(WriteLoopAsync);
        Completion = Task.WhenAny(_loop, _damaged.Task).Unwrap();
    }

    /// <summary>
    /// Goes up each time a controller opens the database. It follows the clock where that helps: a database that was restored
    /// from a backup must not give out again what was given out after that backup was made.
    /// </summary>
    public long Epoch { get; }

    /// <summary>From here on it has all that this controller does; what was before, a restored file may have lost.</summary>
    public DateTimeOffset OpenedAt { get; }

    /// <summary>Ends when the store is closed; faults when the file is damaged or the writer met something it does not know how to survive.</summary>
    public Task Completion { get; }

    /// <summary>Opens or creates the file, brings the schema up to date and takes the next epoch.</summary>
    /// <exception cref="StoreUnavailableException">The file is damaged.</exception>
    public static Database Open(DatabaseOptions options)
    {
        SqliteLibrary.Ensure();
        try
        {
            return OpenSound(options);
        }
        catch (SqliteException ex) when (StoreDamage.Is(ex))
        {
            throw StoreDamage.Of(options.File, ex.Message, ex);
        }
    }

    private static Database OpenSound(DatabaseOptions options)
    {
        SqliteConnection connection = Connect(options.File, SqliteOpenMode.ReadWriteCreate);
        try
        {
            // A second for each gigabyte; what is damaged is to be found before anything is decided on it.
            if (connection.QuerySingle<string>("PRAGMA quick_check(1)") is var found and not "ok")
            {
                throw StoreDamage.Of(options.File, found.ReplaceLineEndings(" "));
            }
            connection.Execute($"PRAGMA journal_mode = WAL; PRAGMA synchronous = {(options.Flushes ? "FULL" : "OFF")}; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;");
            Migrations.Apply(connection, options.Tenant);
            long epoch = connection.QuerySingle<long>(
                "UPDATE controller SET epoch = MAX(epoch + 1, @now) WHERE id = 1 RETURNING epoch", new { now = options.Time.GetUtcNow().ToUnixTimeSeconds() });
            return new Database(options, connection, epoch);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Runs the work in the writer's next transaction and completes when that is on disk. Work that throws changes nothing and
    /// does not harm what shares its transaction.
    /// </summary>
    public async Task<T> WriteAsync<T>(string what, Func<WriteTransaction, T> work, CancellationToken cancellationToken)
    {
        Work<T> item = new(what, work);
        try
        {
            await _queue.Writer.WriteAsync(item, cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new StoreUnavailableException($"{what}: the store is closed");
        }
        // Not cancelled from here on: the work may already be in a transaction.
        return await item.Task.ConfigureAwait(false);
    }

    public Task WriteAsync(string what, Action<WriteTransaction> work, CancellationToken cancellationToken) =>
        WriteAsync(what, transaction => { work(transaction); return true; }, cancellationToken);

    /// <summary>Reads one snapshot. The session must not be used after the function has returned.</summary>
    /// <exception cref="StoreUnavailableException">The disk or the file fails.</exception>
    public async Task<T> ReadAsync<T>(Func<ReadSession, T> work, CancellationToken cancellationToken)
    {
        await _readers.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            SqliteConnection connection = _idleReaders.TryTake(out SqliteConnection? idle) ? idle : ConnectReader();
            try
            {
                using SqliteTransaction snapshot = connection.BeginTransaction(deferred: true);
                return work(new ReadSession(connection, snapshot));
            }
            finally
            {
                _idleReaders.Add(connection);
            }
        }
        catch (SqliteException ex) when (!IsOfTheStatement(ex))
        {
            // The disk or the file, as for writes: whoever asked may ask again.
            throw Unavailable("not read", ex);
        }
        finally
        {
            _readers.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_closed)
        {
            return;
        }
        _closed = true;
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (_idleReaders.TryTake(out SqliteConnection? connection))
        {
            connection.Dispose();
        }
        _writer.Dispose();
        _readers.Dispose();
    }

    /// <summary>The statement was wrong or broke a rule of the schema; the file is well, and the rest of the batch too.</summary>
    private static bool IsOfTheStatement(SqliteException ex) => ex.SqliteErrorCode is SQLitePCL.raw.SQLITE_ERROR or SQLitePCL.raw.SQLITE_CONSTRAINT
        or SQLitePCL.raw.SQLITE_MISMATCH or SQLitePCL.raw.SQLITE_RANGE or SQLitePCL.raw.SQLITE_TOOBIG or SQLitePCL.raw.SQLITE_MISUSE;

    private StoreUnavailableException Unavailable(string what, SqliteException ex)
    {
        if (!StoreDamage.Is(ex))
        {
            return new StoreUnavailableException($"{what}: {ex.Message}", ex);
        }
        StoreUnavailableException damage = StoreDamage.Of(_options.File, ex.Message, ex);
        // Not by halves: what can still be read may be wrong by what cannot.
        _damaged.TrySetException(damage);
        return damage;
    }

    private SqliteConnection ConnectReader()
    {
        SqliteConnection connection = Connect(_options.File, SqliteOpenMode.ReadOnly);
        // The writer alone checkpoints: two connections that do so have corrupted files before SQLite 3.51.3.
        connection.Execute("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;");
        return connection;
    }

    private static SqliteConnection Connect(string file, SqliteOpenMode mode)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false, DefaultTimeout = 30 }.ToString());
        connection.Open();
        connection.Execute("PRAGMA busy_timeout = 10000; PRAGMA cache_size = -4096;");
        return connection;
    }

    private async Task WriteLoopAsync()
    {
        List<IWork> batch = new(_options.MaximumBatch);
        List<string> names = new(_options.MaximumBatch);
        try
        {
            while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
            {
                RunBatch(batch, names);
                batch.Clear();
                names.Clear();
            }
        }
        catch (Exception ex)
        {
            // Everybody who waits learns that nothing was written; the owner ends the process.
            StoreUnavailableException error = new($"the store stopped: {ex.Message}", ex);
            _queue.Writer.TryComplete();
            foreach (IWork work in batch)
            {
                work.Fail(error);
            }
            while (_queue.Reader.TryRead(out IWork? work))
            {
                work.Fail(error);
            }
            throw;
        }
    }

    private void RunBatch(List<IWork> batch, List<string> names)
    {
        List<Action> told;
        SqliteTransaction transaction;
        try
        {
            transaction = _writer.BeginTransaction();
        }
        catch (SqliteException ex)
        {
            FailWaiting(ex);
            return;
        }
        using (transaction)
        {
            _session.Enter(transaction);
            try
            {
                while (batch.Count < _options.MaximumBatch && _queue.Reader.TryRead(out IWork? work))
                {
                    batch.Add(work);
                    names.Add(work.What);
                    RunOne(transaction, work);
                }
                _options.Observer?.Committing(names);
                transaction.Commit();
            }
            catch (SqliteException ex)
            {
                // A full or failing disk. Nothing of the batch is stored; what waits may try again later.
                _session.Leave();
                foreach (IWork work in batch)
                {
                    work.Fail(Unavailable($"{work.What}: not stored", ex));
                }
                return;
            }
            told = _session.Leave();
            _options.Observer?.Committed(names);
        }
        foreach (Action tell in told)
        {
            tell();
        }
        foreach (IWork work in batch)
        {
            work.Complete();
        }
    }

    private void FailWaiting(SqliteException ex)
    {
        while (_queue.Reader.TryRead(out IWork? work))
        {
            work.Fail(Unavailable($"{work.What}: not stored", ex));
        }
    }

    private void RunOne(SqliteTransaction transaction, IWork work)
    {
        int mark = _session.Mark();
        transaction.Save("work");
        if (!work.Run(_session))
        {
            _session.ForgetSince(mark);
            transaction.Rollback("work");
        }
        transaction.Release("work");
    }

    private interface IWork
    {
        string What { get; }
        /// <summary>False: it threw, and its changes must go.</summary>
        bool Run(WriteTransaction transaction);
        void Complete();
        void Fail(Exception error);
    }

    private sealed class Work<T>(string what, Func<WriteTransaction, T> work) : IWork
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _error;

        public string What => what;

        public Task<T> Task => _done.Task;

        public bool Run(WriteTransaction transaction)
        {
            try
            {
                _result = work(transaction);
                return true;
            }
            catch (SqliteException ex) when (!IsOfTheStatement(ex))
            {
                // The disk, the file or the memory: the whole transaction goes, and who waits may try again.
                throw;
            }
            catch (Exception ex)
            {
                _error = ex;
                return false;
            }
        }

        public void Complete()
        {
            if (_error is not null)
            {
                _done.TrySetException(_error);
            }
            else
            {
                _done.TrySetResult(_result!);
            }
        }

        public void Fail(Exception error) => _done.TrySetException(error);
    }
}
